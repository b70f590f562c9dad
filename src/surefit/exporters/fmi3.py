"""The functions of FMI 3.0 for co-simulation, in C: outputs follow inputs at once, and time is only handed through."""

from __future__ import annotations

FUNCTIONS = """/* The functions of FMI 3.0 for co-simulation around the network: outputs follow inputs at once. */
#include <stdlib.h>
#include <string.h>

#include "fmi3Functions.h"
#include "@P@.h"

#define D @D@
#define K @K@
#define TIME (D + K)

typedef struct {
    @REAL@ x[D], y[K];
    int fresh; /* whether y belongs to x */
    fmi3Float64 time;
} Instance;

static const @REAL@ start[D] = {@START@};

static void restart(Instance *m)
{
    memcpy(m->x, start, sizeof start);
    m->fresh = 0;
    m->time = 0;
}

static void evaluate(Instance *m)
{
    if (!m->fresh)
        @P@_eval(m->x, m->y);
    m->fresh = 1;
}

const char *fmi3GetVersion(void) { return fmi3Version; }

fmi3Instance fmi3InstantiateCoSimulation(fmi3String name, fmi3String token, fmi3String resources, fmi3Boolean visible,
    fmi3Boolean logging, fmi3Boolean events, fmi3Boolean early, const fmi3ValueReference between[], size_t n,
    fmi3InstanceEnvironment environment, fmi3LogMessageCallback log, fmi3IntermediateUpdateCallback update)
{
    Instance *m;
    (void)name, (void)resources, (void)visible, (void)logging, (void)events, (void)early, (void)between, (void)n;
    (void)environment, (void)log, (void)update;
    if (token == NULL || strcmp(token, "@GUID@") != 0)
        return NULL;
    m = (Instance *)malloc(sizeof(Instance));
    if (m != NULL)
        restart(m);
    return m;
}

void fmi3FreeInstance(fmi3Instance c) { free(c); }

fmi3Status fmi3SetDebugLogging(fmi3Instance c, fmi3Boolean on, size_t n, const fmi3String categories[])
{
    (void)on, (void)n, (void)categories;
    return c == NULL ? fmi3Error : fmi3OK;
}

fmi3Status fmi3EnterInitializationMode(fmi3Instance c, fmi3Boolean tolerant, fmi3Float64 tolerance, fmi3Float64 begin,
    fmi3Boolean ends, fmi3Float64 end)
{
    (void)tolerant, (void)tolerance, (void)ends, (void)end;
    if (c == NULL)
        return fmi3Error;
    ((Instance *)c)->time = begin;
    return fmi3OK;
}

fmi3Status fmi3Reset(fmi3Instance c)
{
    if (c == NULL)
        return fmi3Error;
    restart((Instance *)c);
    return fmi3OK;
}

fmi3Status fmi3Get@TYPE@(fmi3Instance c, const fmi3ValueReference at[], size_t n, fmi3@TYPE@ value[], size_t count)
{
    Instance *m = (Instance *)c;
    if (m == NULL || n != count)
        return fmi3Error;
    for (size_t i = 0; i < n; i++) {
        if (at[i] > TIME || (at[i] == TIME && sizeof value[i] != sizeof m->time))
            return fmi3Error;
        if (at[i] >= D && at[i] < TIME)
            evaluate(m);
        value[i] = (fmi3@TYPE@)(at[i] < D ? m->x[at[i]] : at[i] < TIME ? m->y[at[i] - D] : m->time);
    }
    return fmi3OK;
}

fmi3Status fmi3Set@TYPE@(fmi3Instance c, const fmi3ValueReference at[], size_t n, const fmi3@TYPE@ value[],
    size_t count)
{
    Instance *m = (Instance *)c;
    if (m == NULL || n != count)
        return fmi3Error;
    for (size_t i = 0; i < n; i++) {
        if (at[i] >= D)
            return fmi3Error;
        m->x[at[i]] = value[i];
        m->fresh = 0;
    }
    return fmi3OK;
}

fmi3Status fmi3GetNumberOfVariableDependencies(fmi3Instance c, fmi3ValueReference of, size_t *n)
{
    if (c == NULL || of > TIME)
        return fmi3Error;
    *n = of >= D && of < TIME ? D : 0;
    return fmi3OK;
}

fmi3Status fmi3GetVariableDependencies(fmi3Instance c, fmi3ValueReference of, size_t element[],
    fmi3ValueReference on[], size_t elements[], fmi3DependencyKind kinds[], size_t n)
{
    if (c == NULL || n != (of >= D && of < TIME ? D : 0))
        return fmi3Error;
    for (size_t i = 0; i < n; i++) {
        element[i] = elements[i] = 0;
        on[i] = (fmi3ValueReference)i;
        kinds[i] = fmi3Dependent;
    }
    return fmi3OK;
}

fmi3Status fmi3DoStep(fmi3Instance c, fmi3Float64 now, fmi3Float64 step, fmi3Boolean keep, fmi3Boolean *event,
    fmi3Boolean *ended, fmi3Boolean *early, fmi3Float64 *reached)
{
    (void)keep;
    if (c == NULL)
        return fmi3Error;
    ((Instance *)c)->time = *reached = now + step;
    *event = *ended = *early = fmi3False;
    return fmi3OK;
}

fmi3Status fmi3UpdateDiscreteStates(fmi3Instance c, fmi3Boolean *again, fmi3Boolean *ended, fmi3Boolean *nominals,
    fmi3Boolean *values, fmi3Boolean *planned, fmi3Float64 *next)
{
    (void)next;
    if (c == NULL)
        return fmi3Error;
    *again = *ended = *nominals = *values = *planned = fmi3False;
    return fmi3OK;
}
"""

SLOPES = """
fmi3Status fmi3GetDirectionalDerivative(fmi3Instance c, const fmi3ValueReference of[], size_t m,
    const fmi3ValueReference by[], size_t n, const fmi3Float64 seed[], size_t a, fmi3Float64 slope[], size_t b)
{
    @REAL@ y[K], j[K * D];
    if (c == NULL || a != n || b != m)
        return fmi3Error;
    @P@_jacobian(((Instance *)c)->x, y, j);
    for (size_t i = 0; i < m; i++) {
        slope[i] = 0;
        for (size_t k = 0; k < n; k++) {
            if (of[i] < D || of[i] >= TIME || by[k] >= D)
                return fmi3Error;
            slope[i] += j[(of[i] - D) * D + by[k]] * seed[k];
        }
    }
    return fmi3OK;
}

fmi3Status fmi3GetAdjointDerivative(fmi3Instance c, const fmi3ValueReference of[], size_t m,
    const fmi3ValueReference by[], size_t n, const fmi3Float64 seed[], size_t a, fmi3Float64 slope[], size_t b)
{
    @REAL@ y[K], j[K * D];
    if (c == NULL || a != m || b != n)
        return fmi3Error;
    @P@_jacobian(((Instance *)c)->x, y, j);
    for (size_t k = 0; k < n; k++) {
        slope[k] = 0;
        for (size_t i = 0; i < m; i++) {
            if (of[i] < D || of[i] >= TIME || by[k] >= D)
                return fmi3Error;
            slope[k] += j[(of[i] - D) * D + by[k]] * seed[i];
        }
    }
    return fmi3OK;
}
"""

AT = "fmi3Instance c, const fmi3ValueReference at[], size_t n"  # how the arguments of most functions begin
MODES = "ExitInitializationMode EnterStepMode EnterEventMode Terminate EvaluateDiscreteStates".split()  # which are one
SLOPE = (
    "fmi3Instance c, const fmi3ValueReference of[], size_t m, const fmi3ValueReference by[], size_t n, "
    "const fmi3Float64 seed[], size_t a, fmi3Float64 slope[], size_t b"
)
NAMED = "fmi3String name, fmi3String token, fmi3String resources, fmi3Boolean visible, fmi3Boolean logging, "
NAMED += "fmi3InstanceEnvironment environment, fmi3LogMessageCallback log"
REFUSED = {  # what a network has not: other kinds of simulation, states, events, clocks
    "InstantiateModelExchange": NAMED,
    "InstantiateScheduledExecution": NAMED + ", fmi3ClockUpdateCallback clock, fmi3LockPreemptionCallback lock, "
    "fmi3UnlockPreemptionCallback unlock",
    "GetBinary": AT + ", size_t sizes[], fmi3Binary value[], size_t count",
    "SetBinary": AT + ", const size_t sizes[], const fmi3Binary value[], size_t count",
    "GetClock": AT + ", fmi3Clock value[]", "SetClock": AT + ", const fmi3Clock value[]",
    "GetFMUState": "fmi3Instance c, fmi3FMUState *state", "SetFMUState": "fmi3Instance c, fmi3FMUState state",
    "FreeFMUState": "fmi3Instance c, fmi3FMUState *state",
    "SerializedFMUStateSize": "fmi3Instance c, fmi3FMUState state, size_t *size",
    "SerializeFMUState": "fmi3Instance c, fmi3FMUState state, fmi3Byte bytes[], size_t size",
    "DeserializeFMUState": "fmi3Instance c, const fmi3Byte bytes[], size_t size, fmi3FMUState *state",
    "EnterConfigurationMode": "fmi3Instance c", "ExitConfigurationMode": "fmi3Instance c",
    "GetIntervalDecimal": AT + ", fmi3Float64 value[], fmi3IntervalQualifier qualifiers[]",
    "GetIntervalFraction": AT + ", fmi3UInt64 value[], fmi3UInt64 resolutions[], fmi3IntervalQualifier qualifiers[]",
    "GetShiftDecimal": AT + ", fmi3Float64 value[]",
    "GetShiftFraction": AT + ", fmi3UInt64 value[], fmi3UInt64 resolutions[]",
    "SetIntervalDecimal": AT + ", const fmi3Float64 value[]",
    "SetIntervalFraction": AT + ", const fmi3UInt64 value[], const fmi3UInt64 resolutions[]",
    "SetShiftDecimal": AT + ", const fmi3Float64 value[]",
    "SetShiftFraction": AT + ", const fmi3UInt64 value[], const fmi3UInt64 resolutions[]",
    "EnterContinuousTimeMode": "fmi3Instance c", "SetTime": "fmi3Instance c, fmi3Float64 time",
    "CompletedIntegratorStep": "fmi3Instance c, fmi3Boolean keep, fmi3Boolean *event, fmi3Boolean *ended",
    "SetContinuousStates": "fmi3Instance c, const fmi3Float64 value[], size_t n",
    "GetContinuousStateDerivatives": "fmi3Instance c, fmi3Float64 value[], size_t n",
    "GetEventIndicators": "fmi3Instance c, fmi3Float64 value[], size_t n",
    "GetContinuousStates": "fmi3Instance c, fmi3Float64 value[], size_t n",
    "GetNominalsOfContinuousStates": "fmi3Instance c, fmi3Float64 value[], size_t n",
    "GetNumberOfEventIndicators": "fmi3Instance c, size_t *count",
    "GetNumberOfContinuousStates": "fmi3Instance c, size_t *count",
    "GetOutputDerivatives": AT + ", const fmi3Int32 orders[], fmi3Float64 value[], size_t count",
    "ActivateModelPartition": "fmi3Instance c, fmi3ValueReference clock, fmi3Float64 time",
}  # fmt: skip
TYPES = "Float32 Float64 Int8 UInt8 Int16 UInt16 Int32 UInt32 Int64 UInt64 Boolean String".split()


def _refused(name: str, arguments: str) -> str:
    names = [a.split()[-1].lstrip("*").removesuffix("[]") for a in arguments.split(", ")]
    ignored = ", ".join(f"(void){n}" for n in names)
    if name.startswith("Instantiate"):
        kind, answer = "fmi3Instance", "NULL"
    else:
        kind, answer = "fmi3Status", "n == 0 ? fmi3OK : fmi3Error" if "value[]" in arguments else "fmi3Error"
    return f"{kind} fmi3{name}({arguments})\n{{\n    {ignored};\n    return {answer};\n}}\n"


def _time(double: bool) -> str:
    """Reading the time of a network of floats, which is a double all the same."""
    if double:
        return ""
    return f"""
fmi3Status fmi3GetFloat64({AT}, fmi3Float64 value[], size_t count)
{{
    if (c == NULL || n != count)
        return fmi3Error;
    for (size_t i = 0; i < n; i++) {{
        if (at[i] != TIME)
            return fmi3Error;
        value[i] = ((Instance *)c)->time;
    }}
    return fmi3OK;
}}
"""


def fmi3_code(derivative: bool, double: bool) -> str:
    """The source, with places for the values of a model. derivative: whether the C has a Jacobian. double: its type."""
    own = "Float64" if double else "Float32"
    refused = dict(REFUSED)
    for kind in TYPES:
        if kind != own and (double or kind != "Float64"):
            refused[f"Get{kind}"] = f"{AT}, fmi3{kind} value[], size_t count"
        if kind != own:
            refused[f"Set{kind}"] = f"{AT}, const fmi3{kind} value[], size_t count"
    if not derivative:
        refused |= {"GetDirectionalDerivative": SLOPE, "GetAdjointDerivative": SLOPE}
    modes = [f"fmi3Status fmi3{name}(fmi3Instance c) {{ return c == NULL ? fmi3Error : fmi3OK; }}\n" for name in MODES]
    parts = [FUNCTIONS.replace("@TYPE@", own), _time(double), *([SLOPES] if derivative else []), *modes]
    return "\n".join([*parts, *(_refused(name, arguments) for name, arguments in refused.items())])


__all__ = ["fmi3_code"]
