"""The JSON-RPC 2.0 envelope (jsonrpc.org/specification) and nothing of what is inside it.

`parse` turns one text message into a Request, Notification, Reply or Failure; the builders make the text of each.
Batches are not part of this protocol. Nothing here knows which methods exist.
"""

import json
from dataclasses import dataclass
from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602

Params = dict[str, Any]
Id = int | str

# An id is echoed back, so a peer chooses how much we copy: 64 characters name any request.
MAX_ID_CHARACTERS = 64

_COMPACT = json.JSONEncoder(separators=(",", ":"))  # json.dumps would make one for every message


class JsonRpcError(ValueError):
    """A text that is no message of ours, or one that asks for something refused.

    `code` and `reason` go into the answer; `id` is that of the request, where it could be read.
    """

    def __init__(self, code: int, reason: str, id: Id | None = None) -> None:
        super().__init__(f"{reason} ({code})")
        self.code = code
        self.reason = reason
        self.id = id


@dataclass(frozen=True, slots=True)
class Request:
    """A call that wants an answer with the same id."""

    id: Id
    method: str
    params: Params


@dataclass(frozen=True, slots=True)
class Notification:
    """A call that wants no answer."""

    method: str
    params: Params


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the request `id` when it went well."""

    id: Id
    result: Params


@dataclass(frozen=True, slots=True)
class Failure:
    """The answer when it did not; `id` is None where the request could not be read."""

    id: Id | None
    code: int
    reason: str


Message = Request | Notification | Reply | Failure


def parse(text: str | bytes) -> Message:
    """Read one message. Raises JsonRpcError (PARSE_ERROR or INVALID_REQUEST) and nothing else.

    Params must be an object (ours are always named), and so must a result; a missing one reads as {}.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:  # RecursionError: "[[[[..." deeper than the interpreter's stack
        raise JsonRpcError(PARSE_ERROR, "not JSON") from error
    if not isinstance(message, dict):
        raise JsonRpcError(INVALID_REQUEST, "not a JSON-RPC object")
    id = _id(message)
    if message.get("jsonrpc") != "2.0":
        raise JsonRpcError(INVALID_REQUEST, 'no "jsonrpc": "2.0"', id)
    if "method" in message:
        return _call(message, id)
    return _answer(message, id)


def _id(message: Params) -> Id | None:
    id = message.get("id")
    if id is None:
        return None
    if isinstance(id, bool) or not isinstance(id, int | str) or len(str(id)) > MAX_ID_CHARACTERS:
        raise JsonRpcError(INVALID_REQUEST, "id is neither a short string nor an integer")
    return id


def _call(message: Params, id: Id | None) -> Request | Notification:
    method, params = message["method"], message.get("params", {})
    if not isinstance(method, str):
        raise JsonRpcError(INVALID_REQUEST, "method is not a string", id)
    if not isinstance(params, dict):
        raise JsonRpcError(INVALID_PARAMS, "params is not an object", id)
    if id is None:
        return Notification(method, params)
    return Request(id, method, params)


def _answer(message: Params, id: Id | None) -> Reply | Failure:
    error = message.get("error")
    if error is not None:
        code = error.get("code") if isinstance(error, dict) else None
        if not isinstance(error, dict) or isinstance(code, bool) or not isinstance(code, int):
            raise JsonRpcError(INVALID_REQUEST, "error without a code", id)
        reason = error.get("message")
        return Failure(id, code, reason if isinstance(reason, str) else "")
    result = message.get("result")
    if id is None or not isinstance(result, dict):
        raise JsonRpcError(INVALID_REQUEST, "neither method, result nor error", id)
    return Reply(id, result)


def request(id: Id, method: str, params: Params) -> str:
    """The text of a call that wants an answer."""
    return _text({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


def notification(method: str, params: Params) -> str:
    """The text of a call that wants none."""
    return _text({"jsonrpc": "2.0", "method": method, "params": params})


def reply(id: Id, result: Params) -> str:
    """The text of a good answer."""
    return _text({"jsonrpc": "2.0", "id": id, "result": result})


def failure(id: Id | None, code: int, reason: str) -> str:
    """The text of a bad answer."""
    return _text({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": reason}})


def _text(message: Params) -> str:
    return _COMPACT.encode(message)
