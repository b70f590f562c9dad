"""A model for CasADi's `external`: the C of `c_code`, and a file with the functions that CasADi looks for by name."""

from __future__ import annotations

from surefit.exporters.c_code import c_code
from surefit.exporters.exportable import Exportable, identifier

FUNCTIONS = """/* For CasADi: compile both sources into one shared library, then
 * f = casadi.external("@P@_f", "./@P@.so"). A vector of @D@ goes in, one of @K@ comes out. */
#include "@P@.h"

typedef long long int casadi_int;

static void given(const double *from, @REAL@ *to)
{
    for (int i = 0; i < @D@; i++)
        to[i] = from ? (@REAL@)from[i] : 0; /* nothing stands for zeros */
}

int @P@_f(const double **arg, double **res, casadi_int *iw, double *w, int mem)
{
    @REAL@ x[@D@], y[@K@];
    (void)iw, (void)w, (void)mem;
    given(arg[0], x);
    @P@_eval(x, y);
    for (int i = 0; res[0] && i < @K@; i++)
        res[0][i] = y[i];
    return 0;
}

casadi_int @P@_f_n_in(void) { return 1; }

casadi_int @P@_f_n_out(void) { return 1; }

const char *@P@_f_name_in(casadi_int i) { return i == 0 ? "x" : 0; }

const char *@P@_f_name_out(casadi_int i) { return i == 0 ? "y" : 0; }

const casadi_int *@P@_f_sparsity_in(casadi_int i)
{
    static const casadi_int dense[3] = {@D@, 1, 1};
    return i == 0 ? dense : 0;
}

const casadi_int *@P@_f_sparsity_out(casadi_int i)
{
    static const casadi_int dense[3] = {@K@, 1, 1};
    return i == 0 ? dense : 0;
}

int @P@_f_work(casadi_int *n_arg, casadi_int *n_res, casadi_int *n_iw, casadi_int *n_w)
{
    *n_arg = *n_res = 1;
    *n_iw = *n_w = 0;
    return 0;
}
"""

JACOBIAN = """
int jac_@P@_f(const double **arg, double **res, casadi_int *iw, double *w, int mem)
{
    @REAL@ x[@D@], y[@K@], j[@D@ * @K@];
    (void)iw, (void)w, (void)mem;
    given(arg[0], x);
    @P@_jacobian(x, y, j);
    for (int i = 0; res[0] && i < @K@; i++)
        for (int k = 0; k < @D@; k++)
            res[0][i + @K@ * k] = j[i * @D@ + k]; /* columns lie side by side */
    return 0;
}

casadi_int jac_@P@_f_n_in(void) { return 2; }

casadi_int jac_@P@_f_n_out(void) { return 1; }

const char *jac_@P@_f_name_in(casadi_int i) { return i == 0 ? "x" : i == 1 ? "out_y" : 0; }

const char *jac_@P@_f_name_out(casadi_int i) { return i == 0 ? "jac_y_x" : 0; }

const casadi_int *jac_@P@_f_sparsity_in(casadi_int i)
{
    static const casadi_int none[4] = {@K@, 1, 0, 0}; /* y is not read */
    return i == 0 ? @P@_f_sparsity_in(0) : i == 1 ? none : 0;
}

const casadi_int *jac_@P@_f_sparsity_out(casadi_int i)
{
    static const casadi_int dense[3] = {@K@, @D@, 1};
    return i == 0 ? dense : 0;
}

int jac_@P@_f_work(casadi_int *n_arg, casadi_int *n_res, casadi_int *n_iw, casadi_int *n_w)
{
    *n_arg = 2;
    *n_res = 1;
    *n_iw = *n_w = 0;
    return 0;
}
"""


def casadi_code(model: Exportable) -> tuple[str, str, str]:
    """(header, source, the source for CasADi)."""
    p = identifier(model.name)
    header, source = c_code(model, f"{model.name}.h")
    text = FUNCTIONS + (JACOBIAN if model.derivative is not None else "")
    text = text.replace('#include "@P@.h"', f'#include "{model.name}.h"')
    values = {"P": p, "D": str(len(model.inputs)), "K": str(len(model.outputs)),
              "REAL": "float" if model.kind == "f32" else "double"}  # fmt: skip
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return header, source, text


__all__ = ["casadi_code"]
