"""The answer to `status` as people read it: a block, or one line to watch. PURE."""

from collections.abc import Iterator, Mapping
from typing import Any

Status = Mapping[str, Any]

# By the channel's code; nothing where the reason says it. What else there is passes, or `intercomd doctor` finds out.
_REMEDIES = {
    **dict.fromkeys((109, 110, 119, 1004, 1006), ""),
    120: "; name its file in [channel] token_file",
    401: "; write the hub's into [channel] app_id",
    1001: ": give one of the two another uid, or take the seat back: intercomd rejoin",
}
# Channel's words, which end with what to do.
_NOT_TRUSTED = "the certificate is not trusted"
_DOCTOR = ": intercomd doctor says what to do"


def block(status: Status) -> str:
    """Everything, a line for each part and each talker."""
    return "\n".join(_block(status))


def _block(status: Status) -> Iterator[str]:
    yield f"{_where(status)} as {status['uid'] or 'nobody yet'}, microphone {_microphone(status)}"
    if status.get("unheard"):
        yield f"unheard   nobody hears it: {status['unheard']}"
    if status.get("ringing"):
        yield "rings     somebody rings: intercomd answer"
    link = status["link"]
    twice = f"{link['connections']} connections, " if link.get("connections", 1) > 1 else ""
    yield (
        f"hub       {_hub(status)}, {twice}round trip {_ms(link['rtt_ms'])}, "
        f"{_count(link['reconnects'], 'reconnect')}, {_count(link['skipped'], 'frame')} skipped"
    )
    fec = ", with FEC" if link.get("fec_percent") else ""
    yield f"sends     {link['bitrate'] / 1_000:g} kbit/s of speech{fec}, {link['packet_ms']} ms in a packet"
    if status["problem"]:
        yield f"problem   {_problem(status['problem'])}"
    for part in ("capture", "playback"):
        card = status[part]
        remedy = "" if card["state"] in ("running", "opening") else _DOCTOR
        yield f"{part:<9} {card['state']} on {card['device']}, {_count(card['xruns'], 'xrun')}{remedy}"
    for part in ("echo", "noise", "gain"):
        if status.get(part, "off") != "off":
            yield f"{part:<9} {status[part]}"
    if status.get("self_test"):
        yield f"self-test {_self_test(status['self_test'])}"
    for talker in status["talkers"]:
        yield (
            f"hears     {_name(talker)}: {talker['level_dbfs']:.0f} dBFS, {_ms(talker['latency_ms'])} old, of which "
            f"{_ms(talker['buffer_ms'])} in the buffer; {talker['late']} late, {talker['lost']} lost, "
            f"{talker['concealed']} concealed, drift {talker['drift_ppm']:+.0f} ppm, MOS {talker['mos']:.1f}"
        )
    if status.get("muted_talkers"):
        yield f"muted     {', '.join(map(_name, status['muted_talkers']))}"


def line(status: Status) -> str:
    """State, microphone, talkers with level and latency, and the speaker or microphone that does not run."""
    heard = [
        f"{_name(talker)} {talker['level_dbfs']:.0f} dBFS {_ms(talker['latency_ms'])}" for talker in status["talkers"]
    ]
    return _parts(status, ", ".join(heard))


def summary(status: Status) -> str:
    """As `line`, without what changes all the time."""
    heard = ", ".join(_name(talker) for talker in status["talkers"])
    return _parts(status, heard)


def _parts(status: Status, heard: str) -> str:
    problem = [str(status["problem"]["reason"])] if status["problem"] else []
    resting = [f"{part} {status[part]['state']}" for part in ("capture", "playback") if not _runs(status[part])]
    microphone = f"microphone {_microphone(status)}"
    ringing = ["somebody rings"] if status.get("ringing") else []
    unheard = [f"nobody hears it: {status['unheard']}"] if status.get("unheard") else []
    return " | ".join(
        [_where(status), *problem, *unheard, *ringing, microphone, f"hears {heard or 'nobody'}", *resting]
    )


def _self_test(test: Status) -> str:
    what = test["verdict"] if test["delay_ms"] is None else f"{test['verdict']}, after {_ms(test['delay_ms'])}"
    return f"{what}{test['why'] and ': '}{test['why']}; {_age(test['age_s'])} ago"


def _age(age_s: float) -> str:
    minutes = round(age_s / 60)
    return f"{age_s:.0f} s" if age_s < 90 else f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"


def _where(status: Status) -> str:
    return f"{status['state']}: {status['channel']}"


def _hub(status: Status) -> str:
    number = status.get("hub_number") or 1
    later = f" (number {number} of the list; the first is looked for again)" if number > 1 else ""
    return f"{status['hub'] or 'none'}{later}"


def _problem(problem: Status) -> str:
    about = f"{problem['hub']}: " if problem.get("hub") else ""
    told = problem["reason"].startswith(_NOT_TRUSTED) or problem["reason"].endswith("?")
    remedy = _REMEDIES.get(problem["code"], "" if told else _DOCTOR)
    return f"{about}{problem['reason']} ({problem['code']}){remedy}"


def _microphone(status: Status) -> str:
    return "muted" if status["muted"] else "on"


def _runs(card: Status) -> bool:
    return bool(card["state"] == "running")


def _name(talker: Status) -> str:
    return f"{talker['label']} ({talker['uid']})" if talker["label"] else str(talker["uid"])


def _ms(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g} ms" if value < 1 else f"{value:.0f} ms"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
