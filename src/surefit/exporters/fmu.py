"""A model as an FMU 2.0 or 3.0 for co-simulation: the C of `c_code` with the functions of the standard, in a zip.

The archive holds sources and no binary; the tool that imports it compiles them (FMPy: `compile_platform_binary`), with
the headers of the standard, which such tools carry.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from surefit.exporters.c_code import c_code
from surefit.exporters.exportable import Exportable, identifier
from surefit.exporters.fmi2 import fmi2_code
from surefit.exporters.fmi3 import fmi3_code

CALLBACKS = "canHandleVariableCommunicationStepSize"


def fmu(model: Exportable, version: int) -> bytes:
    """The archive: modelDescription.xml and sources. Inputs start in the middle of the domain. version: 2 or 3."""
    p, d, k = identifier(model.name), len(model.inputs), len(model.outputs)
    header, source = c_code(model, f"{p}.h")
    guid = hashlib.sha256((header + source + str(version)).encode()).hexdigest()[:32]
    low, high = (v.tolist() for v in (model.low, model.high))
    middle = [0.5 * a + 0.5 * b if math.isfinite(a + b) else 0.0 for a, b in zip(low, high, strict=True)]
    derivatives, double = model.derivative is not None, model.kind == "f64"
    text = fmi2_code(derivatives) if version == 2 else fmi3_code(derivatives, double)
    values = {"P": p, "D": str(d), "K": str(k), "GUID": guid, "REAL": "double" if double else "float",
              "START": ", ".join(map(repr, middle))}  # fmt: skip
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    describe = _described_2 if version == 2 else _described_3
    files = {
        "modelDescription.xml": describe(model, p, guid, middle), f"sources/{p}.h": header,
        f"sources/{p}.c": source, f"sources/{p}_fmu.c": text,
    }  # fmt: skip
    if version == 3:
        files["sources/buildDescription.xml"] = BUILD.format(p=p)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


BUILD = """<?xml version="1.0" encoding="UTF-8"?>
<fmiBuildDescription fmiVersion="3.0">
  <BuildConfiguration modelIdentifier="{p}">
    <SourceFileSet language="C99">
      <SourceFile name="{p}.c"/>
      <SourceFile name="{p}_fmu.c"/>
    </SourceFileSet>
  </BuildConfiguration>
</fmiBuildDescription>
"""


def _described_2(model: Exportable, p: str, guid: str, middle: Sequence[float]) -> str:
    names, d = unique(model), len(model.inputs)
    lines = []
    for i, name in enumerate(names):
        about = f'<ScalarVariable name={_text(name)} valueReference="{i}" variability="continuous" '
        about += f'causality="{"input" if i < d else "output"}"' + ("" if i < d else ' initial="calculated"')
        lines.append(f"    {about}><Real{_limits(model, i, middle)}/></ScalarVariable>")
    inputs = " ".join(str(i + 1) for i in range(d))
    unknown = "".join(f'<Unknown index="{i + 1}" dependencies="{inputs}"/>' for i in range(d, len(names)))
    derivatives = ' providesDirectionalDerivative="true"' if model.derivative is not None else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="2.0" modelName="{p}" guid="{guid}" generationTool="surefit"
    description={_about(model)} variableNamingConvention="flat">
  <CoSimulation modelIdentifier="{p}" {CALLBACKS}="true"{derivatives}>
    <SourceFiles><File name="{p}.c"/><File name="{p}_fmu.c"/></SourceFiles>
  </CoSimulation>
{_units(model)}  <ModelVariables>
{chr(10).join(lines)}
  </ModelVariables>
  <ModelStructure>
    <Outputs>{unknown}</Outputs>
    <InitialUnknowns>{unknown}</InitialUnknowns>
  </ModelStructure>
</fmiModelDescription>
"""


def _described_3(model: Exportable, p: str, guid: str, middle: Sequence[float]) -> str:
    names, d = unique(model), len(model.inputs)
    kind = "Float64" if model.kind == "f64" else "Float32"
    lines = [
        f'    <{kind} name={_text(name)} valueReference="{i}" causality="{"input" if i < d else "output"}" '
        f'variability="continuous"{_limits(model, i, middle)}/>'
        for i, name in enumerate(names)
    ]
    lines.append(
        f'    <Float64 name="time" valueReference="{len(names)}" causality="independent" variability="continuous"/>'
    )
    inputs = " ".join(map(str, range(d)))
    outputs = [f'valueReference="{i}" dependencies="{inputs}"/>' for i in range(d, len(names))]
    unknown = "\n".join(f"    <{what} {o}" for what in ("Output", "InitialUnknown") for o in outputs)
    derivatives = ' providesDirectionalDerivatives="true" providesAdjointDerivatives="true"'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<fmiModelDescription fmiVersion="3.0" modelName="{p}" instantiationToken="{guid}" generationTool="surefit"
    description={_about(model)} variableNamingConvention="flat">
  <CoSimulation modelIdentifier="{p}" {CALLBACKS}="true"{derivatives if model.derivative is not None else ""}/>
{_units(model)}  <ModelVariables>
{chr(10).join(lines)}
  </ModelVariables>
  <ModelStructure>
{unknown}
  </ModelStructure>
</fmiModelDescription>
"""


def _limits(model: Exportable, i: int, middle: Sequence[float]) -> str:
    """Unit, smallest and largest value, and start of the i-th variable, inputs first."""
    unit = f" unit={_text(model.units[i])}" if model.units and model.units[i] else ""
    if i >= len(middle):
        return unit
    low, high = float(model.low[i]), float(model.high[i])
    bounds = "".join(f' {n}="{v!r}"' for n, v in (("min", low), ("max", high)) if math.isfinite(v))
    return f'{unit}{bounds} start="{middle[i]!r}"'


def _units(model: Exportable) -> str:
    """The definitions of all units that are used."""
    used = dict.fromkeys(u for u in model.units if u)
    if not used:
        return ""
    return "  <UnitDefinitions>" + "".join(f"<Unit name={_text(u)}/>" for u in used) + "</UnitDefinitions>\n"


def _about(model: Exportable) -> str:
    return _text(" ".join(model.comment())[:1000])


def unique(model: Exportable) -> list[str]:
    """Names of inputs and outputs that can stand in XML, each once; tools keep "time" for themselves."""
    found = ["time"]
    for name in model.inputs + model.outputs:
        word = "".join(c for c in name if c.isprintable()) or "_"
        while word in found:
            word += "_"
        found.append(word)
    return found[1:]


def _text(text: str) -> str:
    """A text as an attribute of XML, whatever is in it."""
    return quoteattr("".join(c for c in text if c.isprintable()))


__all__ = ["fmu"]
