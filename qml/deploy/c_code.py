"""C code of the operations of a graph: expressions, blocks and functions that `c_writer` fills in."""

from __future__ import annotations

__all__ = ["BLOCKS", "EXPRESSIONS", "ODD", "STATE_FUNCTIONS"]

EXPRESSIONS = {
    "abs": "fabs{f}({x})",
    "arccos": "acos{f}({x})",
    "arctan": "atan{f}({x})",
    "cos": "cos{f}({x})",
    "exp": "exp{f}({x})",
    "log": "log{f}({x})",
    "relu": "{x} > 0 ? {x} : 0",
    "sigmoid": "1 / (1 + exp{f}(-{x}))",
    "sin": "sin{f}({x})",
    "sqrt": "sqrt{f}({x})",
    "step": "{x} > 0 ? 1 : 0",
    "tanh": "tanh{f}({x})",
    "add": "{x} + {y}",
    "divide": "{x} / {y}",
    "maximum": "{x} > {y} ? {x} : {y}",
    "minimum": "{x} < {y} ? {x} : {y}",
    "multiply": "{x} * {y}",
    "subtract": "{x} - {y}",
}
"""C expression of each operation that acts entry by entry; ``f`` is the suffix of functions of floats."""

BLOCKS = {
    "largest": """    {{
        {real} top = v[{x}];
        for (int i = 1; i < {size}; ++i) if (v[{x} + i] > top) top = v[{x} + i];
        v[{at}] = top;
    }}""",
    "top": """    {{
        int winner = 0;
        for (int i = 1; i < {size}; ++i) if (v[{x} + i] > v[{x} + winner]) winner = i;
        for (int i = 0; i < {size}; ++i) v[{at} + i] = i == winner ? 1 : 0;
    }}""",
    "softmax": """    {{
        {real} top = v[{x}], total = 0;
        for (int i = 1; i < {size}; ++i) if (v[{x} + i] > top) top = v[{x} + i];
        for (int i = 0; i < {size}; ++i) total += v[{at} + i] = exp{f}(v[{x} + i] - top);
        for (int i = 0; i < {size}; ++i) v[{at} + i] /= total;
    }}""",
    "normalize": """    {{
        {real} top = 0, total = 0;
        for (int i = 0; i < {size}; ++i) if (fabs{f}(v[{x} + i]) > top) top = fabs{f}(v[{x} + i]);
        for (int i = 0; i < {size}; ++i) v[{at} + i] = top > 0 ? v[{x} + i] / top : (i == 0 ? 1 : 0);
        for (int i = 0; i < {size}; ++i) total += v[{at} + i] * v[{at} + i];
        for (int i = 0; i < {size}; ++i) v[{at} + i] /= sqrt{f}(total);
    }}""",
}
"""C blocks of the operations on whole vectors."""

ODD = """static inline int @_odd(unsigned bits)
{
    bits ^= bits >> 8;
    bits ^= bits >> 4;
    return 0x6996 >> (bits & 15) & 1;
}"""
"""C function that says whether an odd number of bits is set, of an integer below 2**16."""

STATE_FUNCTIONS = {
    "rotations": """/* cosine - i sine P for each Pauli string P, on a state: real parts, then imaginary parts */
static inline void @_rotations(@_real *v, unsigned size, const @_real *cosines, const @_real *sines,
                        const unsigned short *t, int count)
{
    for (; count > 0; --count, t += 4) {
        const unsigned x = t[0], z = t[1], below = (x & -x) - 1;
        const @_real c = cosines[t[3]], s = t[2] < 2 ? sines[t[3]] : -sines[t[3]];
        if (x == 0) {
            for (unsigned i = 0; i < size; ++i) {
                const @_real turned = @_odd(i & z) ? -s : s, re = v[i], im = v[size + i];
                v[i] = c * re - turned * im;
                v[size + i] = c * im + turned * re;
            }
            continue;
        }
        for (unsigned pair = 0; pair < size / 2; ++pair) {
            const unsigned i = pair + (pair & ~below), j = i ^ x;
            const @_real turned = @_odd(i & z) ? -s : s;
            const @_real re = v[i], im = v[size + i], re_j = v[j], im_j = v[size + j];
            if (t[2] & 1) {
                v[i] = c * re - turned * im_j;
                v[size + i] = c * im + turned * re_j;
                v[j] = c * re_j - turned * im;
                v[size + j] = c * im_j + turned * re;
            } else {
                v[i] = c * re - turned * re_j;
                v[size + i] = c * im - turned * im_j;
                v[j] = c * re_j + turned * re;
                v[size + j] = c * im_j + turned * im;
            }
        }
    }
}""",
    "expectations": """/* expectation values of Pauli strings */
static inline void @_expectations(@_real *out, const @_real *v, unsigned size, const unsigned short *t, int count)
{
    for (; count > 0; --count, t += 3) {
        @_real total = 0;
        for (unsigned i = 0; i < size; ++i) {
            const unsigned j = i ^ t[0];
            const @_real re = v[i], im = v[size + i];
            const @_real term = t[2] & 1 ? v[size + j] * re - v[j] * im : v[j] * re + v[size + j] * im;
            total += @_odd(i & t[1]) ? -term : term;
        }
        *out++ = t[2] < 2 ? total : -total;
    }
}""",
}
"""C functions of the operations on states; @ stands for the prefix."""
