"""A trained model that `pretrain.from` names: an exported folder, a stage of a run, or a module of the user's."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from asteroid.content_digest import content_digest
from asteroid.deploy.folder import is_model, read_force_field
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.errors import InputError
from asteroid.import_path import load_factory
from asteroid.labels.level_names import is_import_path
from asteroid.models.architectures import settings_type
from asteroid.models.network import Scaling
from asteroid.models.own_module import OwnModuleSettings
from asteroid.models.trained import TrainedNetwork, model_from_tensors
from study.files import read_record, refuse_special_files

if TYPE_CHECKING:
    from asteroid.models.network import NetworkSettings
    from study.data.load import StudyData

_STAGE, _WEIGHTS = "stage.json", "weights.safetensors"
_REMEDY = "see 'A given model as the start' in docs/models.md"


@dataclass(frozen=True, eq=False)
class GivenModel:
    """A trained model that was not trained in this study.

    Attributes:
        identity: digest of its architecture, settings, weights and scaling.
        model: the model.
        descriptors: resolution of its descriptors; None where it needs none.
        numbers: atoms of the molecule that it was trained on, where the folder says so; None: not known, or several.
        name: for messages.
    """

    identity: str
    model: TrainedNetwork
    descriptors: DescriptorSettings | None
    numbers: tuple[int, ...] | None
    name: str


@lru_cache(maxsize=4)
def given_model(source: str, settings: NetworkSettings) -> GivenModel:
    """Read a model that is to be fine-tuned.

    Args:
        source: folder, or `module:factory`.
        settings: architecture and size that the study fine-tunes.

    Raises:
        InputError: it cannot be read or imported, is no single network, or one of another architecture or size.
    """
    name = source if is_import_path(source) else Path(source).name
    numbers = descriptors = None
    if is_import_path(source):
        model = _of_module(source, settings)
    else:
        folder = Path(source)
        if is_model(folder):
            model, descriptors, numbers = _exported(folder)
        elif (folder / _STAGE).is_file():
            model, descriptors = _of_stage(folder)
        else:
            raise InputError(
                f"pretrain.from is the folder of an exported model or of a stage of a run, or module:factory, found "
                f"neither model.json nor {_STAGE} in {source}: correct the path"
            )
        _refuse_other_settings(name, model.settings, settings)
    tensors = model.tensors()
    said = {"architecture": model.settings.architecture, **asdict(model.settings)}
    content = json.dumps(said, sort_keys=True).encode() + save(dict(sorted(tensors.items())))
    identity = content_digest(content)
    return GivenModel(identity, model, descriptors if model.settings.needs_descriptors else None, numbers, name)


def refuse_other_molecule(given: GivenModel, data: StudyData) -> None:
    """Refuse a model that cannot describe the frames of a study as it was trained to.

    Raises:
        InputError: it is of other atoms, of other descriptors, or lacks an element.
    """
    settings, labels = given.model.settings, data.accurate
    own = None if labels.varied else tuple(labels.numbers.tolist())
    if settings.one_composition and given.numbers is not None and own != given.numbers:
        raise InputError(
            f"{given.name} is a model of the atoms {list(given.numbers)}, the labels are of "
            f"{'several molecules' if own is None else list(own)}: start from a model of this molecule"
        )
    if settings.needs_descriptors and given.descriptors != data.descriptors:
        raise InputError(
            f"{given.name} has the descriptors {_said(given.descriptors)}, the study {_said(data.descriptors)}: set "
            "those under 'descriptors', or start from a model of an architecture without descriptors"
        )
    elements = getattr(settings, "elements", None)
    lacking = [] if elements is None else sorted({int(n) for n in labels.numbers.ravel() if n} - set(elements))
    if lacking:
        raise InputError(
            f"{given.name} has weights for the elements {sorted(elements or ())}, the labels have {lacking} as well: "
            "start from a model that knows them"
        )


def _said(descriptors: DescriptorSettings | None) -> str:
    plain = {} if descriptors is None else asdict(descriptors)
    return ", ".join(f"{name} {value}" for name, value in plain.items()) or "none"


def _refuse_other_settings(name: str, found: NetworkSettings, wanted: NetworkSettings) -> None:
    if found == wanted:
        return
    if found.architecture != wanted.architecture:
        told = f"architecture {found.architecture}, the study fine-tunes {wanted.architecture}"
    else:
        differing = [key for key, value in asdict(found).items() if asdict(wanted)[key] != value]
        told = ", ".join(f"{key} {asdict(found)[key]} (the study: {asdict(wanted)[key]})" for key in differing)
    plain = ", ".join(f"{key}: {list(v) if isinstance(v, tuple) else v}" for key, v in asdict(found).items())
    raise InputError(f"{name} is a model of {told}: set model: {{architecture: {found.architecture}, {plain}}}")


def _exported(folder: Path) -> tuple[TrainedNetwork, DescriptorSettings | None, tuple[int, ...] | None]:
    found = read_force_field(folder)
    models = found.model.models
    if found.cheap_level is not None or len(models) > 1 or not isinstance(models[0], TrainedNetwork):
        what = f"adds to {found.cheap_level}" if found.cheap_level else f"is a sum of {len(models)} models"
        what = "is a kernel" if what.endswith(" 1 models") else what
        raise InputError(f"fine-tuning starts from one network, {folder.name} {what}: export another strategy")
    known, layout = found.trained_on, found.model.layout
    numbers = None if known.varied else tuple(known.numbers.tolist())
    return models[0], None if layout is None else layout.settings, numbers


def _of_stage(folder: Path) -> tuple[TrainedNetwork, DescriptorSettings | None]:
    try:
        plain, intact = read_record(folder / _STAGE, "")
        refuse_special_files(folder)
        weights = (folder / _WEIGHTS).read_bytes()
        if not intact or plain["weights_digest"] != content_digest(weights):
            raise ValueError("not as it was written")
        spec = plain["spec"]
        own: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in spec["model"].items()}
        if spec["kind"] == "kernel" or spec["base"] is not None or (spec["kind"] == "residual" and spec["parents"]):
            raise InputError(
                f"fine-tuning starts from one network, the stage {folder.name} is a {spec['kind']}, which adds to what "
                "another predicts: name a stage of pretraining or fine-tuning"
            )
        settings = settings_type(own.pop("architecture"))(**own)
        model = model_from_tensors(settings, load(weights))
        described = spec["descriptors"]
        descriptors = None
        if described is not None:
            sites = None if described["sites"] is None else tuple(described["sites"])
            descriptors = DescriptorSettings(**{**described, "sites": sites})
    except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
        raise InputError(
            f"the stage {folder.name} is damaged ({type(error).__name__}: {' '.join(str(error).split())[:150]}): "
            "repeat the run that trained it"
        ) from error
    if not isinstance(model, TrainedNetwork):
        raise InputError(f"the stage {folder.name} is of an outside program: name its model in model.finetune")
    return model, descriptors


def _of_module(path: str, settings: NetworkSettings) -> TrainedNetwork:
    """A module's weights as those of the study's architecture, whose energies are in eV."""
    if not isinstance(settings, OwnModuleSettings):
        raise InputError(
            f"{path} gives a torch module, the study fine-tunes {settings.architecture}: set model: {{architecture: "
            f"module:factory}} with the function that makes the same module ({_REMEDY})"
        )
    factory = load_factory(path, str(Path.cwd()), "a trained torch.nn.Module")
    try:
        found: Any = factory()
    except Exception as error:  # somebody else's code
        raise InputError(
            f"{path} must return a trained torch.nn.Module, it raised {type(error).__name__} "
            f"({' '.join(str(error).split())[:200]}): repair it"
        ) from error
    if not isinstance(found, torch.nn.Module):
        raise InputError(f"{path} must return a trained torch.nn.Module, found {type(found).__name__}: {_REMEDY}")
    expected = settings.module()
    for what, own, others in (
        ("weights", dict(found.named_parameters()), dict(expected.named_parameters())),
        ("constants", dict(found.named_buffers()), dict(expected.named_buffers())),
    ):
        shapes, wanted = ({name: list(value.shape) for name, value in some.items()} for some in (own, others))
        off = sorted(name for name in shapes.keys() | wanted.keys() if shapes.get(name) != wanted.get(name))
        if off:
            raise InputError(
                f"{path} has other {what} than {settings.architecture}: {off[0]} has the shape "
                f"{shapes.get(off[0], 'none')} instead of {wanted.get(off[0], 'none')}: let both make the same module"
            )
        if what == "constants" and (unlike := [n for n in own if not torch.equal(own[n].cpu(), others[n].cpu())]):
            raise InputError(
                f"{path} has other constants than {settings.architecture} ({unlike[0]}), which weights do not carry: "
                "let model.architecture name the same function"
            )
    parameters = torch.cat([value.detach().cpu().flatten().float() for _, value in found.named_parameters()])
    if not bool(torch.isfinite(parameters).all()):
        raise InputError(f"{path} must have finite weights, found others: load them anew")
    none = torch.empty(1, 0)
    return TrainedNetwork(settings, parameters, Scaling(none, none, torch.ones(1)), 0.0)
