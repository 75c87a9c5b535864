"""Emission of a function's instructions, of which few remain after optimisation: the fewer, the sooner."""

from __future__ import annotations

from typing import Any

from numba.core import ir, lowering, typed_passes
from numba.core.compiler_machinery import register_pass

from simulator.engines.numba.jit.library import LinkOnlyLibrary


class _Lower(lowering.Lower):  # type: ignore[misc]
    """numba's emission of instructions, without initial values of variables and without lifetimes."""

    _singly_assigned_vars: set[str]
    _blk_local_varmap: dict[str, Any]

    def _find_singly_assigned_variable(self) -> None:
        """Find variables that need no memory: assigned once, and only read after that, in the same block."""
        assigned: set[str] = set()
        others: set[str] = set()
        for block in self.blocks.values():
            here: set[str] = set()
            for instruction in block.body:
                if type(instruction) is ir.Assign:
                    value, name = instruction.value, instruction.target.name
                    others.update(_read_by(value) - here)
                    if name in assigned:
                        others.add(name)
                    assigned.add(name)
                    here.add(name)
                else:
                    others.update({variable.name for variable in instruction.list_vars()} - here)
        self._singly_assigned_vars, self._blk_local_varmap = assigned - others, {}

    def lower_block(self, block: Any) -> None:
        self.pre_block(block)
        for instruction in block.body:
            self.loc = instruction.loc
            if type(instruction) is ir.Assign:  # numba would also write the instruction as text
                name = instruction.target.name
                self.storevar(self.lower_assign(self.typeof(name), instruction), name)
            else:
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


def _read_by(value: Any) -> set[str]:
    """Names of the variables in the value of an assignment."""
    if isinstance(value, ir.Var):
        return {value.name}
    return {variable.name for variable in value.list_vars()} if isinstance(value, ir.Inst) else set()


@register_pass(mutates_CFG=True, analysis_only=False)
class Lowering(typed_passes.NativeLowering):  # type: ignore[misc]
    """numba's emission of a function by `_Lower`, which calls parts without asking for exceptions: they have none."""

    _name, lowering_class = "qumba_lowering", _Lower

    def run_pass(self, state: Any) -> bool:
        context = state.targetctx  # of this compilation alone

        def insert_user_function(function: Any, description: Any, libraries: Any = ()) -> None:
            implementation = _call_of(description, libraries)
            context._defns[function].append(implementation, implementation.signature)

        if isinstance(state.library, LinkOnlyLibrary):
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
