"""The lineage of fields as it was told by a time, which only events know exactly."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from uc4_lineage.columns import Origin
from uc4_lineage.marquez_api.column_lineage import Column, ColumnLineage, Made
from uc4_lineage.marquez_api.nodes import Asked
from uc4_lineage.node import Kind


@dataclass
class PastColumnLineage(ColumnLineage):
    """Walks from field to field towards their origins of a time.

    Attributes:
        origins: All that jobs had told by then.
    """

    origins: Iterable[Origin] = ()
    _made: dict[int, list[Origin]] = field(
        init=False, default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        # Of two ways from one field to another the last counts: a direct one.
        for one in sorted(self.origins, key=lambda one: one.type == "DIRECT"):
            self._made[one.output].append(one)

    def columns_of(self, start: Asked) -> list[Column]:
        """Return the fields that a node stood for."""
        if start.kind is Kind.FIELD:
            return [Column(start.key, start.field)]
        told = [one for made in self._made.values() for one in made]
        outputs = {
            Column(one.output, one.output_field)
            for one in told
            if one.output_field and start.key in {one.output, one.job}
        }
        inputs = {
            Column(one.input, one.input_field) for one in told if one.input == start.key
        }
        return sorted(outputs | inputs)

    def _step(self, columns: Iterable[Column], statement: str) -> list[Made]:  # noqa: ARG002 - a version has no way down
        found = [
            Made(
                Column(one.input, one.input_field),
                column,
                one.description or None,
                "MASKED" if one.masking else one.subtype or one.type or None,
            )
            for column in sorted(columns)
            for one in self._made.get(column.dataset, [])
            if one.output_field in {column.field, ""}
        ]
        self.made.update({(made.origin, made.result): made for made in found})
        return found
