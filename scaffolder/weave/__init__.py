"""The engine of golden paths, usable alone: trees, the template language, rendering, aspects,
composition and upgrades. Pure: no framework, no clock, no network."""

from .aspect import (
    Aspect,
    EntityAdvice,
    FilesAdvice,
    MergeAdvice,
    RegionAdvice,
    Requirement,
    parse_aspect,
)
from .compose import (
    AspectLayer,
    Composition,
    CompositionConflict,
    CompositionError,
    Layer,
    RequirementCycle,
    UnmetRequirement,
    WeaveError,
    check_requirements,
    compose,
)
from .dialect import Function, known_filters
from .documents import load_documents
from .entity import merge_entity
from .globs import matcher
from .merge import MergeError, merge_text
from .migration import Migration, migration, migration_problems
from .problems import Problem
from .region import RegionError, put_region, remove_region
from .render import RenderError, RenderOptions, is_binary, render_text, render_tree
from .tree import (
    EXECUTABLE,
    NORMAL,
    SYMLINK,
    File,
    Limits,
    Tree,
    TreeTooLarge,
    UnsafePath,
    check_path,
    check_tree,
    digest,
)
from .upgrade import Finding, Kind, Upgrade, upgrade

__all__ = [
    "EXECUTABLE",
    "NORMAL",
    "SYMLINK",
    "Aspect",
    "AspectLayer",
    "Composition",
    "CompositionConflict",
    "CompositionError",
    "EntityAdvice",
    "File",
    "FilesAdvice",
    "Finding",
    "Function",
    "Kind",
    "Layer",
    "Limits",
    "MergeAdvice",
    "MergeError",
    "Migration",
    "Problem",
    "RegionAdvice",
    "RegionError",
    "RenderError",
    "RenderOptions",
    "Requirement",
    "RequirementCycle",
    "Tree",
    "TreeTooLarge",
    "UnmetRequirement",
    "UnsafePath",
    "Upgrade",
    "WeaveError",
    "check_path",
    "check_requirements",
    "check_tree",
    "compose",
    "digest",
    "is_binary",
    "known_filters",
    "load_documents",
    "matcher",
    "merge_entity",
    "merge_text",
    "migration",
    "migration_problems",
    "parse_aspect",
    "put_region",
    "remove_region",
    "render_text",
    "render_tree",
    "upgrade",
]
