"""Releases of numba that the shortcuts of this package support.

The shortcuts replace internals of numba, which may change in any release. With a release that is not listed here, or
one whose internals differ from the published ones, kernels are compiled by numba's standard pipeline, with the same
results.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re

import numba

OLDEST, NEWEST = (0, 62), (0, 68)
"""Oldest and newest release, both included, with which `test_numba_versions.py` was run."""

# Functions that the shortcuts call or replace, with their parameters.
_INTERNALS = {
    "numba.core.base:BaseContext.declare_function": "self module fndesc",
    "numba.core.base:BaseContext.get_arg_packer": "self fe_args",
    "numba.core.base:BaseContext.get_returned_value": "self builder ty val",
    "numba.core.base:BaseContext.insert_user_function": "self func fndesc libs",
    "numba.core.base:BaseContext.install_registry": "self registry",
    "numba.core.base:BaseContext.load_additional_registries": "self",
    "numba.core.base:_has_loc": "fn",
    "numba.core.byteflow:Flow._run_handle_exception": "self runner state",
    "numba.core.caching:CompileResultCacheImpl.get_filename_base": "self fullname abiflags",
    "numba.core.caching:FunctionCache._load_overload": "self sig target_context",
    "numba.core.caching:FunctionCache.load_overload": "self sig target_context",
    "numba.core.caching:FunctionCache.save_overload": "self sig data",
    "numba.core.codegen:JITCPUCodegen._module_pass_manager": "self kwargs",
    "numba.core.codegen:JITCPUCodegen.set_env": "self env_name env",
    "numba.core.codegen:JITCPUCodegen._create_empty_module": "self name",
    "numba.core.codegen:JITCodeLibrary._get_compiled_object": "self",
    "numba.core.codegen:JITCodeLibrary._get_module_for_linking": "self",
    "numba.core.codegen:JITCodeLibrary._optimize_final_module": "self",
    "numba.core.codegen:JITCodeLibrary.add_ir_module": "self ir_module",
    "numba.core.codegen:JITCodeLibrary._optimize_functions": "self ll_module",
    "numba.core.codegen:JITCodeLibrary.finalize": "self",
    "numba.core.codegen:JITCodeLibrary.serialize_using_object_code": "self",
    "numba.core.dispatcher:Dispatcher.compile": "self sig",
    "numba.core.dispatcher:Dispatcher.get_call_template": "self args kws",
    "numba.core.event:end_event": "kind data exc_details",
    "numba.core.event:start_event": "kind data",
    "numba.core.interpreter:Interpreter.post_process": "self peepholes func_ir",
    "numba.core.lowering:Lower._find_singly_assigned_variable": "self",
    "numba.core.lowering:Lower.alloca_lltype": "self name lltype datamodel",
    "numba.core.lowering:Lower.getvar": "self name",
    "numba.core.lowering:Lower.loadvar": "self name",
    "numba.core.lowering:Lower.lower_assign": "self ty inst",
    "numba.core.lowering:Lower.lower_block": "self block",
    "numba.core.lowering:Lower.lower_expr": "self resty expr",
    "numba.core.lowering:Lower.lower_inst": "self inst",
    "numba.core.lowering:Lower.post_block": "self block",
    "numba.core.lowering:Lower.pre_block": "self block",
    "numba.core.lowering:Lower.storevar": "self value name argidx",
    "numba.core.lowering:Lower.typeof": "self varname",
    "numba.core.rewrites.static_getitem:RewriteConstGetitems.match": "self func_ir block typemap calltypes",
    "numba.core.transforms:canonicalize_cfg": "blocks",
    "numba.core.typed_passes:type_inference_stage": ("typingctx targetctx interp args return_type locals raise_errors"),
    "numba.core.typeinfer:ConstraintNetwork.append": "self constraint",
    "numba.core.typeinfer:TypeInferer": "context func_ir warnings",
    "numba.core.typeinfer:TypeVarMap.__getitem__": "self name",
    "numba.core.types:BaseFunction.get_call_type": "self context args kws",
    "numba.core.typing.context:BaseContext.install_registry": "self registry",
    "numba.core.typing.context:BaseContext.load_additional_registries": "self",
    "numba.core.typing.context:BaseContext.resolve_value_type": "self val",
}


@functools.cache
def obstacle() -> str | None:
    """Return why the shortcuts do not fit the installed numba, or None if they do."""
    release = re.match(r"(\d+)\.(\d+)", numba.__version__)
    if release is None or not OLDEST <= (int(release[1]), int(release[2])) <= NEWEST:
        return f"qumba knows {supported()}, found {numba.__version__}"
    for name, expected in _INTERNALS.items():
        module, _, attribute = name.partition(":")
        try:
            function = functools.reduce(getattr, attribute.split("."), importlib.import_module(module))
            parameters = " ".join(inspect.signature(function).parameters)  # type: ignore[arg-type]
        except (ImportError, AttributeError) as error:
            return f"numba {numba.__version__} is not as published: {error}"
        if parameters != expected:
            return f"numba {numba.__version__} is not as published: {attribute} takes ({parameters})"
    return None


def supported() -> str:
    """Return the range of releases in words."""
    return f"numba {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
