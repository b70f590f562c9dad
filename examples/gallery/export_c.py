"""Exported to C, compiled and run.

The file has no dependency but the mathematics that stands in it, and computes the very bits of `predict`.
"""

import shutil
import subprocess

import matplotlib.pyplot as plt
import numpy as np

import surefit

fit = surefit.fit("exp(-x) * sin(5*x)", "x=0:3", tol=1e-6)
fit.export("wave.c")
main = r"""
#include <stdio.h>
#include "wave.c"
int main(void) {
    for (int i = 0; i <= 300; i++) {
        double x = i / 100.0, y;
        wave_eval(&x, &y);
        printf("%.17g\n", y);
    }
}
"""
compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
if compiler is None:
    raise SystemExit("no C compiler on this machine")
with open("main.c", "w") as file:
    file.write(main)
subprocess.run([compiler, "-O2", "-o", "wave", "main.c", "-lm"], check=True)
values = np.array(subprocess.run(["./wave"], check=True, capture_output=True, text=True).stdout.split(), float)
x = np.arange(301) / 100.0
print("the same bits as predict:", np.array_equal(values, fit.predict(x)))

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(x, np.exp(-x) * np.sin(5 * x), color="0.7", linewidth=6, label="formula")
axes.plot(x, values, label="what the C program printed")
axes.set(xlabel="x", ylabel="y", title="exp(-x) sin(5x), from a compiled C program")
axes.legend()
figure.savefig("export_c.png")
