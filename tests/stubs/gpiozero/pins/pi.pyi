class PinInfo:
    name: str

class HeaderInfo:
    pins: dict[int, PinInfo]

class PiBoardInfo:
    model: str
    headers: dict[str, HeaderInfo]
    @classmethod
    def from_revision(cls, revision: int) -> PiBoardInfo: ...
