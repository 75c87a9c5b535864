"""numba's compilation pipeline reduced to what kernels need, which saves seconds at the first call."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from numba.core import interpreter, ir, typed_passes, untyped_passes
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import FunctionPass, PassManager, register_pass
from numba.core.rewrites.static_getitem import RewriteConstGetitems
from numba.core.transforms import canonicalize_cfg

from simulator.engines.numba.dialect.counting import REPLACEMENTS
from simulator.engines.numba.dialect.views import view_of
from simulator.engines.numba.jit.library import BridgedLibrary, KernelLibrary, LinkOnlyLibrary
from simulator.engines.numba.jit.lowering import Lowering


class _UseLibrary(FunctionPass):  # type: ignore[misc]
    """Compiler pass that sets another kind of library in the compilation state."""

    library: type[KernelLibrary]

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return False


@register_pass(mutates_CFG=False, analysis_only=True)
class _UseKernelLibrary(_UseLibrary):
    _name, library = "qumba_use_kernel_library", KernelLibrary


@register_pass(mutates_CFG=False, analysis_only=True)
class _UseBridgedLibrary(_UseLibrary):
    _name, library = "qumba_use_bridged_library", BridgedLibrary


@register_pass(mutates_CFG=False, analysis_only=True)
class _UseLinkOnlyLibrary(_UseLibrary):
    _name, library = "qumba_use_link_only_library", LinkOnlyLibrary


@register_pass(mutates_CFG=True, analysis_only=False)
class _TranslateByteCode(FunctionPass):  # type: ignore[misc]
    """numba's translation of a function to its intermediate representation, without statements that kernels lack."""

    _name = "qumba_translate_bytecode"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        translation = interpreter.Interpreter(state.func_id)
        translation.post_process = lambda peepholes, func_ir: func_ir
        function = state.func_ir = translation.interpret(state.bc)
        function.blocks = canonicalize_cfg(function.blocks)
        for label, block in function.blocks.items():
            for assignment in block.find_insts(ir.Assign):
                value = assignment.value
                if isinstance(value, ir.Global) and isinstance(value.value, Hashable) and value.value in REPLACEMENTS:
                    value.value = REPLACEMENTS[value.value]
                    value.name = f"kernels' {value.name}"  # numba forbids other values for names of built-in functions
            constant_indices = RewriteConstGetitems(state)  # of tuples
            if constant_indices.match(function, block, None, None):
                function.blocks[label] = constant_indices.apply()
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(FunctionPass):  # type: ignore[misc]
    """numba's type inference, but allowing views as results and taking arrays as views."""

    _name = "qumba_type_inference"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        function, arguments = state.func_ir, map(view_of, state.args)
        variables = dict(zip(function.arg_names, arguments, strict=True))
        state.typemap, state.return_type, state.calltypes, state.typing_errors = typed_passes.type_inference_stage(
            state.typingctx, state.targetctx, function, state.args, state.return_type, variables
        )
        return True


# The passes that kernels need. numba has others for closures, generators, context managers, array expressions, lists to
# unroll, ends of lifetimes (nothing counts references), and static single assignment: a variable has one type.
_PASSES = (
    _TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.DeadBranchPrune,
    _TypeInference,
    Lowering,
    typed_passes.NoPythonBackend,
)


class _PassManager(PassManager):  # type: ignore[misc]
    """Sequence of passes each of which leaves a legal function to the next: numba analyses it anew after each one."""

    _ENFORCING = False


class KernelCompiler(CompilerBase):  # type: ignore[misc]
    """numba's pipeline, shortened, with a `KernelLibrary` as result."""

    use_library: type[FunctionPass] = _UseKernelLibrary

    def define_pipelines(self) -> list[Any]:
        pipeline = _PassManager("kernel")
        for each in (_PASSES[0], self.use_library, *_PASSES[1:]):
            pipeline.add_pass(each, each._name)
        pipeline.finalize()
        return [pipeline]


class BridgedKernelCompiler(KernelCompiler):
    """Compiler of kernels with bridges."""

    use_library = _UseBridgedLibrary


class PartCompiler(KernelCompiler):
    """Compiler of functions that are only linked, which are otherwise optimised again at every level of calls."""

    use_library = _UseLinkOnlyLibrary
