"""numba's compilation pipeline reduced to what kernels need, which saves seconds at the first call."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from llvmlite.binding import Linkage
from numba.core import interpreter, ir, lowering, typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_machinery import FunctionPass, PassManager, register_pass
from numba.core.rewrites.static_getitem import RewriteConstGetitems
from numba.core.transforms import canonicalize_cfg

from simulator.engines.numba.dialect.counting import REPLACEMENTS
from simulator.engines.numba.dialect.views import view_of


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
class _UseLinkOnlyLibrary(_UseLibrary):
    _name, library = "qumba_use_link_only_library", _LinkOnlyLibrary


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
    """numba's type inference, but allowing views as results: a kernel's caller keeps its arrays alive."""

    _name = "qumba_type_inference"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        state.typemap, state.return_type, state.calltypes, state.typing_errors = typed_passes.type_inference_stage(
            state.typingctx,
            state.targetctx,
            state.func_ir,
            state.args,
            state.return_type,
            dict(zip(state.func_ir.arg_names, map(view_of, state.args))),
        )
        return True


class _Lower(lowering.Lower):  # type: ignore[misc]
    """numba's emission of instructions, without initial values of variables and without lifetimes."""

    def lower_block(self, block: Any) -> None:
        self.pre_block(block)
        for instruction in block.body:
            self.loc = instruction.loc
            self.lower_inst(instruction)
        self.post_block(block)

    def pre_block(self, block: Any) -> None:
        self._cur_ir_block = block

    def alloca_lltype(self, name: str, lltype: Any, datamodel: Any = None) -> Any:
        with self.builder.goto_entry_block():
            return self.builder.alloca(lltype, name=name)

    def storevar(self, value: Any, name: str, argidx: int | None = None) -> None:
        if name in self._singly_assigned_vars:
            self._blk_local_varmap[name] = value
        else:
            self.builder.store(value, self.getvar(name))

    def lower_expr(self, resty: Any, expr: Any) -> Any:
        if expr.op in ("pair_first", "pair_second"):
            return self.builder.extract_value(self.loadvar(expr.value.name), int(expr.op == "pair_second"))
        return super().lower_expr(resty, expr)


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(typed_passes.NativeLowering):  # type: ignore[misc]
    """numba's emission of a function by `_Lower`, which calls parts without asking for exceptions: they have none."""

    _name, lowering_class = "qumba_lowering", _Lower

    def run_pass(self, state: Any) -> bool:
        context = state.targetctx  # of this compilation alone

        def insert_user_function(function: Any, description: Any, libraries: Any = ()) -> None:
            implementation = _call_of(description, libraries)
            context._defns[function].append(implementation, implementation.signature)

        if isinstance(state.library, _LinkOnlyLibrary):
            context.insert_user_function = insert_user_function
        return bool(super().run_pass(state))


def _call_of(description: Any, libraries: Any) -> Any:
    """Return what emits the call of a part, which returns by its first argument."""

    def call(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = context.declare_function(builder.module, description)
        place, exception = function.args[0].type.pointee, builder.function.args[1]
        with builder.goto_entry_block():
            place = builder.alloca(place)
        packer = context.get_arg_packer(description.argtypes)
        builder.call(function, [place, exception, *packer.as_arguments(builder, args)])
        return context.get_returned_value(builder, description.restype, builder.load(place))

    call.signature, call.libs = description.argtypes, tuple(libraries)  # type: ignore[attr-defined]
    return call


# The passes that kernels need. numba has others for closures, generators, context managers, array expressions, lists to
# unroll, ends of lifetimes (nothing counts references), and static single assignment: a variable has one type.
_PASSES = (
    _TranslateByteCode,
    untyped_passes.FixupArgs,
    untyped_passes.DeadBranchPrune,
    _TypeInference,
    _Lowering,
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


class PartCompiler(KernelCompiler):
    """Compiler of functions that are only linked, which are otherwise optimised again at every level of calls."""

    use_library = _UseLinkOnlyLibrary
