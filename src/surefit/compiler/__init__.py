"""The compiler: Programs as machine code, through LLVM."""
