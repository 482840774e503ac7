"""Rules of related documents (CfdiRelacionados)."""

from collections.abc import Iterator

from timbra.cfdi.codes import RELATIONSHIPS
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding
from timbra.cfdi.rules.header import padded


def cfdi40137(facts: Facts) -> Iterator[Finding]:
    """TipoRelacion is in c_TipoRelacion of CFDI 4.0: 08 and 09 were withdrawn."""
    for index, relation in enumerate(facts.invoice.relations):
        if (row := RELATIONSHIPS.get(relation.relationship)) is not None and row.cfdi40:
            continue
        code = padded(relation.relationship, RELATIONSHIPS)
        fix = code if code is not None and RELATIONSHIPS[code].cfdi40 else None
        path = f"related_documents[{index}].relationship"
        yield Finding("CFDI40137", path, "is not a relation of CFDI 4.0, 01 to 07", fix)
