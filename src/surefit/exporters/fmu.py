"""A model as an FMU 2.0 for co-simulation: the C of `c_code` with the functions of the standard around it, in a zip.

The archive holds sources and no binary; the tool that imports it compiles them (FMPy: `compile_platform_binary`), with
the headers of the standard, which such tools carry.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from xml.sax.saxutils import escape, quoteattr

from surefit.exporters.c_code import c_code
from surefit.exporters.exportable import Exportable, identifier

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
    restart((Instance *)c);
    return fmi2OK;
}

fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference at[], size_t n, fmi2Real value[])
{
    Instance *m = (Instance *)c;
    for (size_t i = 0; i < n; i++) {
        if (at[i] >= D + K)
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
        if (at[i] >= D)
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
    "GetDirectionalDerivative": "fmi2Component c, const fmi2ValueReference of[], size_t m, "
    "const fmi2ValueReference by[], size_t n, const fmi2Real dx[], fmi2Real dy[]",
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


def _refused(name: str, arguments: str) -> str:
    names = [a.split()[-1].lstrip("*").removesuffix("[]") for a in arguments.split(", ")]
    empty = "n == 0 ? fmi2OK : fmi2Error" if "value[]" in arguments else "fmi2Error"
    ignored = ", ".join(f"(void){n}" for n in names)
    return f"fmi2Status fmi2{name}({arguments})\n{{\n    {ignored};\n    return {empty};\n}}\n"


def fmu(model: Exportable) -> bytes:
    """The archive: modelDescription.xml and sources. Inputs start in the middle of the domain."""
    p, d, k = identifier(model.name), len(model.inputs), len(model.outputs)
    header, source = c_code(model, f"{p}.h")
    guid = hashlib.sha256((header + source).encode()).hexdigest()[:32]
    middle = [0.5 * (a + b) if math.isfinite(a + b) else 0.0 for a, b in zip(model.low, model.high, strict=True)]
    text = FUNCTIONS
    values = {"P": p, "D": str(d), "K": str(k), "GUID": guid, "REAL": "float" if model.kind == "f32" else "double",
              "START": ", ".join(repr(float(v)) for v in middle)}  # fmt: skip
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    text = "\n".join([text, *(_refused(n, a) for n, a in REFUSED.items())])
    files = {
        "modelDescription.xml": _description(model, p, guid, middle), f"sources/{p}.h": header,
        f"sources/{p}.c": source, f"sources/{p}_fmu.c": text,
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _description(model: Exportable, p: str, guid: str, middle: list[float]) -> str:
    d, k = len(model.inputs), len(model.outputs)
    lines = []
    for i, name in enumerate(model.inputs):
        bounds = f'min="{float(model.low[i])!r}" max="{float(model.high[i])!r}"' if math.isfinite(middle[i]) else ""
        lines.append(
            f'    <ScalarVariable name={_name(name)} valueReference="{i}" causality="input" variability="continuous">'
            f'<Real start="{float(middle[i])!r}" {bounds}/></ScalarVariable>'
        )
    lines += [
        f'    <ScalarVariable name={_name(name)} valueReference="{d + i}" causality="output" variability="continuous" '
        f'initial="calculated"><Real/></ScalarVariable>'
        for i, name in enumerate(model.outputs)
    ]
    inputs = " ".join(str(i + 1) for i in range(d))
    unknown = [f'<Unknown index="{d + i + 1}" dependencies="{inputs}"/>' for i in range(k)]
    about = quoteattr(escape(" ".join(model.comment())[:1000]))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="{p}" guid="{guid}" generationTool="surefit" description={about}
    variableNamingConvention="flat">
  <CoSimulation modelIdentifier="{p}" canHandleVariableCommunicationStepSize="true">
    <SourceFiles><File name="{p}.c"/><File name="{p}_fmu.c"/></SourceFiles>
  </CoSimulation>
  <ModelVariables>
{chr(10).join(lines)}
  </ModelVariables>
  <ModelStructure>
    <Outputs>{"".join(unknown)}</Outputs>
    <InitialUnknowns>{"".join(unknown)}</InitialUnknowns>
  </ModelStructure>
</fmiModelDescription>
"""


def _name(name: str) -> str:
    return quoteattr("".join(c for c in name if c.isprintable()) or "_")


__all__ = ["fmu"]
