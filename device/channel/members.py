"""Members of the params of a request, checked one by one. PURE."""

from typing import Any

from device import jsonrpc


def member(params: jsonrpc.Params, name: str, kind: type, default: Any = ...) -> Any:
    """A member of the right type; `default` where it is missing. Raises JsonRpcError(INVALID_PARAMS)."""
    value = params.get(name, default)
    if value is ...:
        raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, f"{name} is missing")
    if value is not default and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, f"{name} is not of type {kind.__name__}")
    return value


def checked(name: str, check: Any, value: Any) -> Any:
    """What `check` makes of it, its ValueError as JsonRpcError(INVALID_PARAMS)."""
    try:
        return check(value)
    except ValueError as error:
        raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, f"{name}: {error}") from error


def short(limit: int) -> Any:
    """A check: a text of so many characters at most."""

    def check(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"longer than {limit} characters")
        return text

    return check


def between(low: int, high: int) -> Any:
    """A check: a number from low to high."""

    def check(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"not within {low} to {high}")
        return value

    return check
