"""The section `pretrain` of a sweep file, where a trained model stands in the place of pretraining."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, Tag, model_serializer

from asteroid.labels.level_names import is_import_path
from study.config.label_files import CpuSeconds
from study.config.stages import ScheduleSection, Section


class StartSection(Section):
    """A trained model that fine-tuning, or a second network, starts from.

    Attributes:
        from: folder of an exported model or of a stage of a run, or `module:factory` that returns a torch.nn.Module
            with its weights.
        price: CPU time of its pretraining; stated, not measured.
    """

    model_config = ConfigDict(populate_by_name=True)

    source: str = Field(alias="from", min_length=1)
    price: CpuSeconds = 0.0

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {"from": self.source, "price": self.price}

    @property
    def name(self) -> str:
        """Its name for people, without the folders around it."""
        return self.source if is_import_path(self.source) else Path(self.source).name

    def in_folder(self, folder: Path) -> StartSection:
        """The same with the path of a folder counted from another."""
        if is_import_path(self.source):
            return self
        return self.model_copy(update={"source": str((folder / self.source).resolve())})


def _form(value: Any) -> str:
    return START if isinstance(value, StartSection) or (isinstance(value, dict) and "from" in value) else SCHEDULE


#: As parts of a place in a file, these are for pydantic and not for people.
START, SCHEDULE = "<start>", "<schedule>"
#: How cheap labels are pretrained on, or what stands for that.
Pretraining = Annotated[
    Annotated[StartSection, Tag(START)] | Annotated[ScheduleSection, Tag(SCHEDULE)], Discriminator(_form)
]
