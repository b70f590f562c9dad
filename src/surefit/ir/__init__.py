"""What machine code and exported code have in common: the graph of a Program, elementary functions, LLVM IR as text.

Knows no llvmlite.
"""
