"""How fairseq describes convolutions, such as `[(512,10,5)] + [(512,3,2)] * 4`, read without running it."""

import ast

from utils.errors import InputError, brief

ConvLayer = tuple[int, int, int]  # width, kernel, stride
MOST_LAYERS = 100


def read_conv_layers(text: str, where: str) -> list[ConvLayer]:
    """The layers. Raises InputError, which begins with `where`, for any other text."""
    try:
        layers = _layers(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(
            f"{where}: conv_feature_layers {brief(text)}: expected lists of (width, kernel, stride)"
        ) from error
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise InputError(f"{where}: conv_feature_layers {brief(text)}: {len(layers)} layers")
    return layers


def _layers(node: ast.expr) -> list[ConvLayer]:
    """What a sum, a multiple or a list gives. Raises ValueError for any other node."""
    if isinstance(node, ast.List):
        return [_layer(ast.literal_eval(one)) for one in node.elts]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _layers(node.left) + _layers(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        n = ast.literal_eval(node.right)
        if isinstance(n, int) and 0 <= n <= MOST_LAYERS:
            return _layers(node.left) * n
    raise ValueError(ast.unparse(node))


def _layer(value: object) -> ConvLayer:
    if not isinstance(value, tuple) or len(value) != 3 or not all(isinstance(n, int) and n > 0 for n in value):
        raise ValueError(value)
    return value
