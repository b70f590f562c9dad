"""LLVM IR as text: functions, values, vectors, elementary functions. Knows no Program and no llvmlite."""
