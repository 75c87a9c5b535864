"""numba's compilation, shortened to what kernels need, so that the first step of a new user takes seconds less."""

from __future__ import annotations

from typing import Any

from numba.core import typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import FunctionPass, PassManager, register_pass


class _KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """A kernel, optimised once as a whole, and little: its vectors are explicit, its small parts inlined by name.

    numba's own are optimised twice as hard and twice, to drop reference counts that we do not have; that took a
    second more for 3 % of speed.
    """

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        passes, builder = self._codegen._module_pass_manager(opt=1, loop_vectorize=False, slp_vectorize=False)
        passes.run(self._final_module, builder)


class _LinkOnlyLibrary(_KernelLibrary):
    """Code that is only ever linked into other code: neither optimised nor emitted on its own."""

    def _optimize_final_module(self) -> None: ...

    def _finalize_final_module(self) -> None:
        self._finalized = True

    @property
    def codegen(self) -> Any:
        return _WithoutEnvironment(self._codegen)


class _WithoutEnvironment:
    """A code generator that does not look for a function's environment, which was never emitted."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None: ...


class _UseLibrary(FunctionPass):  # type: ignore[misc]
    """Puts another kind of library into a compilation's state."""

    library: type[_KernelLibrary]

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return False


@register_pass(mutates_CFG=False, analysis_only=True)
class _UseKernelLibrary(_UseLibrary):
    _name, library = "qumba_use_kernel_library", _KernelLibrary


@register_pass(mutates_CFG=False, analysis_only=True)
class _UseLinkOnlyLibrary(_UseLibrary):
    _name, library = "qumba_use_link_only_library", _LinkOnlyLibrary


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(FunctionPass):  # type: ignore[misc]
    """numba's, but views may be returned though nobody counts references: a kernel's caller keeps its arrays alive."""

    _name = "qumba_type_inference"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        state.typemap, state.return_type, state.calltypes, state.typing_errors = typed_passes.type_inference_stage(
            state.typingctx, state.targetctx, state.func_ir, state.args, state.return_type, state.locals
        )
        return True


# Those of numba's passes that our kernels need: no closures, generators, context managers, array expressions or
# lists to unroll. Each pass that is left out saves some 3 % of a compilation.
_PASSES = (
    untyped_passes.TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.IRProcessing,
    untyped_passes.GenericRewrites,
    untyped_passes.DeadBranchPrune,
    untyped_passes.ReconstructSSA,
    _TypeInference,
    typed_passes.PreLowerStripPhis,
    typed_passes.IRLegalization,
    typed_passes.NativeLowering,
    typed_passes.NoPythonBackend,
)


class KernelCompiler(CompilerBase):  # type: ignore[misc]
    """numba's pipeline, shortened, into a library of ours."""

    use_library: type[FunctionPass] = _UseKernelLibrary

    def define_pipelines(self) -> list[Any]:
        pipeline = PassManager("kernel")
        for each in (_PASSES[0], self.use_library, *_PASSES[1:]):
            pipeline.add_pass(each, each._name)
        pipeline.finalize()
        return [pipeline]


class PartCompiler(KernelCompiler):
    """The same for what is linked only. A function is otherwise optimised again at every level of calls."""

    use_library = _UseLinkOnlyLibrary
