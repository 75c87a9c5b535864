"""numba's compilation pipeline reduced to what kernels need, which saves seconds at the first call."""

from __future__ import annotations

from typing import Any

from llvmlite.binding import Linkage
from numba.core import interpreter, typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import FunctionPass, PassManager, register_pass

from simulator.engines.numba.jit.bridges import add_bridge


class _KernelLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Library of a kernel, optimised lightly and once: its vectors are explicit, its small parts inlined by name.

    numba optimises its own libraries harder and twice, to drop reference counts that kernels do not have; that takes a
    second longer for 3 % of speed.
    """

    _linking_libraries: list[Any]
    _shared_module: Any

    def finalize(self) -> None:
        _link(self._final_module, self._linking_libraries)
        self._linking_libraries = []
        super().finalize()

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        passes, builder = self._codegen._module_pass_manager(opt=1, loop_vectorize=False, slp_vectorize=False)
        passes.run(self._final_module, builder)


class _BridgedLibrary(_KernelLibrary):
    """Library of a kernel and of the bridge to it; see `bridges`."""

    def add_ir_module(self, ir_module: Any) -> None:
        add_bridge(ir_module)
        super().add_ir_module(ir_module)


class _LinkOnlyLibrary(_KernelLibrary):
    """Library of a part, which kernels link with the parts that it calls; it is neither optimised nor emitted."""

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """Return the module with all that it needs, for functions that numba compiles as usual."""
        if self._shared_module is None:
            self._shared_module = self.module().clone()
            _link(self._shared_module, self._linking_libraries)
        return self._shared_module

    def module(self) -> Any:
        """Return the module of this part alone."""
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.external:
                function.linkage = "linkonce_odr"
        return self._final_module

    @property
    def codegen(self) -> Any:
        return _WithoutEnvironment(self._codegen)


def _link(module: Any, libraries: list[Any]) -> None:
    """Link libraries into a module, and the parts that they call, each once and after one that calls it.

    LLVM takes only those functions of a library that the module refers to already.
    """
    remaining = list(dict.fromkeys(libraries))
    for library in remaining:  # grows meanwhile
        if isinstance(library, _LinkOnlyLibrary):
            module.link_in(library.module(), preserve=True)
            remaining += [each for each in dict.fromkeys(library._linking_libraries) if each not in remaining]
        else:
            module.link_in(library._get_module_for_linking(), preserve=True)


class _WithoutEnvironment:
    """Code generator that does not look up a function's environment, which was never emitted."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None: ...


class _UseLibrary(FunctionPass):  # type: ignore[misc]
    """Compiler pass that sets another kind of library in the compilation state."""

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
class _UseBridgedLibrary(_UseLibrary):
    _name, library = "qumba_use_bridged_library", _BridgedLibrary


@register_pass(mutates_CFG=False, analysis_only=True)
class _UseLinkOnlyLibrary(_UseLibrary):
    _name, library = "qumba_use_link_only_library", _LinkOnlyLibrary


@register_pass(mutates_CFG=True, analysis_only=False)
class _TranslateByteCode(FunctionPass):  # type: ignore[misc]
    """numba's translation of a function to its intermediate representation, without the search for ``with``."""

    _name = "qumba_translate_bytecode"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        translation = interpreter.Interpreter(state.func_id)
        process = translation.post_process
        translation.post_process = lambda peepholes, func_ir: process(
            [each for each in peepholes if each is not interpreter.peep_hole_delete_with_exit], func_ir
        )
        state.func_ir = translation.interpret(state.bc)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(FunctionPass):  # type: ignore[misc]
    """numba's type inference, but allowing views as results: a kernel's caller keeps its arrays alive."""

    _name = "qumba_type_inference"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        state.typemap, state.return_type, state.calltypes, state.typing_errors = typed_passes.type_inference_stage(
            state.typingctx, state.targetctx, state.func_ir, state.args, state.return_type, state.locals
        )
        return True


# The passes of numba that kernels need: no closures, generators, context managers, array expressions or lists to
# unroll, and no ends of lifetimes, as nothing counts references. Each omitted pass saves about 3 % of the compile time.
_PASSES = (
    _TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.IRProcessing,
    untyped_passes.GenericRewrites,
    untyped_passes.DeadBranchPrune,
    untyped_passes.ReconstructSSA,
    _TypeInference,
    typed_passes.PreLowerStripPhis,
    typed_passes.NativeLowering,
    typed_passes.NoPythonBackend,
)


class _PassManager(PassManager):  # type: ignore[misc]
    """Sequence of passes each of which leaves a legal function to the next: numba analyses it anew after each one."""

    _ENFORCING = False


class KernelCompiler(CompilerBase):  # type: ignore[misc]
    """numba's pipeline, shortened, with a `_KernelLibrary` as result."""

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
