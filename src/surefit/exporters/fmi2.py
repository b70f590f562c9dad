"""The functions of FMI 2.0 for co-simulation, in C: outputs follow inputs at once."""

from __future__ import annotations

FUNCTIONS = """/* The functions of FMI 2.0 for co-simulation around the network: outputs follow inputs at once. */
#include <string.h>

#include "fmi2Functions.h"
#include "@P@.h"

#define D @D@
#define K @K@

typedef struct {
    @REAL@ x[D], y[K];
    int fresh; /* whether y belongs to x */
    const fmi2CallbackFunctions *callbacks;
} Instance;

static const @REAL@ start[D] = {@START@};

static void restart(Instance *m)
{
    memcpy(m->x, start, sizeof start);
    m->fresh = 0;
}

const char *fmi2GetTypesPlatform(void) { return fmi2TypesPlatform; }

const char *fmi2GetVersion(void) { return fmi2Version; }

fmi2Status fmi2SetDebugLogging(fmi2Component c, fmi2Boolean on, size_t n, const fmi2String categories[])
{
    (void)c, (void)on, (void)n, (void)categories;
    return fmi2OK;
}

fmi2Component fmi2Instantiate(fmi2String name, fmi2Type type, fmi2String guid, fmi2String resources,
    const fmi2CallbackFunctions *callbacks, fmi2Boolean visible, fmi2Boolean logging)
{
    Instance *m;
    (void)name, (void)resources, (void)visible, (void)logging;
    if (type != fmi2CoSimulation || strcmp(guid, "@GUID@") != 0 || callbacks == NULL)
        return NULL;
    m = (Instance *)callbacks->allocateMemory(1, sizeof(Instance));
    if (m == NULL)
        return NULL;
    m->callbacks = callbacks;
    restart(m);
    return m;
}

void fmi2FreeInstance(fmi2Component c)
{
    if (c != NULL)
        ((Instance *)c)->callbacks->freeMemory(c);
}

fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean tolerant, fmi2Real tolerance, fmi2Real begin,
    fmi2Boolean ends, fmi2Real end)
{
    (void)c, (void)tolerant, (void)tolerance, (void)begin, (void)ends, (void)end;
    return fmi2OK;
}

fmi2Status fmi2EnterInitializationMode(fmi2Component c) { return c == NULL ? fmi2Error : fmi2OK; }

fmi2Status fmi2ExitInitializationMode(fmi2Component c) { return c == NULL ? fmi2Error : fmi2OK; }

fmi2Status fmi2Terminate(fmi2Component c) { return c == NULL ? fmi2Error : fmi2OK; }

fmi2Status fmi2Reset(fmi2Component c)
{
    if (c == NULL)
        return fmi2Error;
    restart((Instance *)c);
    return fmi2OK;
}

fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference at[], size_t n, fmi2Real value[])
{
    Instance *m = (Instance *)c;
    for (size_t i = 0; i < n; i++) {
        if (m == NULL || at[i] >= D + K)
            return fmi2Error;
        if (at[i] >= D && !m->fresh) {
            @P@_eval(m->x, m->y);
            m->fresh = 1;
        }
        value[i] = at[i] < D ? m->x[at[i]] : m->y[at[i] - D];
    }
    return fmi2OK;
}

fmi2Status fmi2SetReal(fmi2Component c, const fmi2ValueReference at[], size_t n, const fmi2Real value[])
{
    Instance *m = (Instance *)c;
    for (size_t i = 0; i < n; i++) {
        if (m == NULL || at[i] >= D)
            return fmi2Error;
        m->x[at[i]] = (@REAL@)value[i];
        m->fresh = 0;
    }
    return fmi2OK;
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real now, fmi2Real step, fmi2Boolean keep)
{
    (void)now, (void)step, (void)keep;
    return c == NULL ? fmi2Error : fmi2OK;
}
"""

REFUSED = {  # what a network has not: values of other types, states, derivatives
    "GetInteger": "fmi2Component c, const fmi2ValueReference at[], size_t n, fmi2Integer value[]",
    "GetBoolean": "fmi2Component c, const fmi2ValueReference at[], size_t n, fmi2Boolean value[]",
    "GetString": "fmi2Component c, const fmi2ValueReference at[], size_t n, fmi2String value[]",
    "SetInteger": "fmi2Component c, const fmi2ValueReference at[], size_t n, const fmi2Integer value[]",
    "SetBoolean": "fmi2Component c, const fmi2ValueReference at[], size_t n, const fmi2Boolean value[]",
    "SetString": "fmi2Component c, const fmi2ValueReference at[], size_t n, const fmi2String value[]",
    "GetFMUstate": "fmi2Component c, fmi2FMUstate *state", "SetFMUstate": "fmi2Component c, fmi2FMUstate state",
    "FreeFMUstate": "fmi2Component c, fmi2FMUstate *state",
    "SerializedFMUstateSize": "fmi2Component c, fmi2FMUstate state, size_t *n",
    "SerializeFMUstate": "fmi2Component c, fmi2FMUstate state, fmi2Byte bytes[], size_t n",
    "DeSerializeFMUstate": "fmi2Component c, const fmi2Byte bytes[], size_t n, fmi2FMUstate *state",
    "SetRealInputDerivatives": "fmi2Component c, const fmi2ValueReference at[], size_t n, const fmi2Integer order[], "
    "const fmi2Real value[]",
    "GetRealOutputDerivatives": "fmi2Component c, const fmi2ValueReference at[], size_t n, const fmi2Integer order[], "
    "fmi2Real value[]",
    "CancelStep": "fmi2Component c", "GetStatus": "fmi2Component c, const fmi2StatusKind s, fmi2Status *value",
    "GetRealStatus": "fmi2Component c, const fmi2StatusKind s, fmi2Real *value",
    "GetIntegerStatus": "fmi2Component c, const fmi2StatusKind s, fmi2Integer *value",
    "GetBooleanStatus": "fmi2Component c, const fmi2StatusKind s, fmi2Boolean *value",
    "GetStringStatus": "fmi2Component c, const fmi2StatusKind s, fmi2String *value",
}  # fmt: skip
_SLOPES = "fmi2Component c, const fmi2ValueReference of[], size_t m, const fmi2ValueReference by[], size_t n, const "
_SLOPES += "fmi2Real dx[], fmi2Real dy[]"
SLOPES = (
    "fmi2Status fmi2GetDirectionalDerivative("
    + _SLOPES
    + """)
{
    @REAL@ y[K], j[K * D];
    if (c == NULL)
        return fmi2Error;
    @P@_jacobian(((Instance *)c)->x, y, j);
    for (size_t i = 0; i < m; i++) {
        dy[i] = 0;
        for (size_t k = 0; k < n; k++) {
            if (of[i] < D || of[i] >= D + K || by[k] >= D)
                return fmi2Error;
            dy[i] += j[(of[i] - D) * D + by[k]] * dx[k];
        }
    }
    return fmi2OK;
}
"""
)


def fmi2_code(derivative: bool) -> str:
    """The source, with places for the values of a model. derivative: whether the C has a Jacobian."""
    more = {} if derivative else {"GetDirectionalDerivative": _SLOPES}
    refused = [_refused(name, arguments) for name, arguments in (REFUSED | more).items()]
    return "\n".join([FUNCTIONS, *([SLOPES] if derivative else []), *refused])


def _refused(name: str, arguments: str) -> str:
    names = [a.split()[-1].lstrip("*").removesuffix("[]") for a in arguments.split(", ")]
    empty = "n == 0 ? fmi2OK : fmi2Error" if "value[]" in arguments else "fmi2Error"
    ignored = ", ".join(f"(void){n}" for n in names)
    return f"fmi2Status fmi2{name}({arguments})\n{{\n    {ignored};\n    return {empty};\n}}\n"


__all__ = ["fmi2_code"]
