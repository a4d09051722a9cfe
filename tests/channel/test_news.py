"""What the owner gets to see: the first failure is worth a warning, its repeats are not, being back is."""

from device.channel import address, errors
from device.channel.actions import DEBUG, INFO, WARNING, Action, Emit, Log
from device.channel.errors import ChannelError
from device.channel.news import News, State
from device.channel.verdicts import Miss

HUB = address.read("ws://127.0.0.1:8800/v1?key=SECRET")


def told(actions: list[Action]) -> list[tuple[int, str] | tuple[str, object]]:
    out: list[tuple[int, str] | tuple[str, object]] = []
    for action in actions:
        assert "SECRET" not in repr(action)
        if isinstance(action, Log):
            out.append((action.level, action.text))
        elif isinstance(action, Emit) and action.event in ("connection-state", "error"):  # the rest: test_standing
            out.append((action.event, action.params.get("state", action.params.get("code"))))
    actions.clear()
    return out


def test_a_call_with_an_outage() -> None:
    actions: list[Action] = []
    news = News(actions)
    assert news.state is State.LEFT
    news.joining("lobby", 10.0)
    news.in_call(HUB, 1, 10.5)
    assert told(actions) == [
        ("connection-state", "joining"),
        (INFO, "joined lobby at ws://127.0.0.1:8800 after 0.5 s"),
        ("connection-state", "in-call"),
    ]
    news.offline("the connection broke", HUB, 100.0)
    news.offline("the connection broke", HUB, 101.0)
    assert told(actions) == [
        (WARNING, "ws://127.0.0.1:8800 is lost (the connection broke), dialling"),
        ("error", errors.DISCONNECTED),
        ("connection-state", "offline"),
    ]
    assert news.problem is not None
    assert news.problem.code == errors.DISCONNECTED
    news.missed(ChannelError(errors.UNREACHABLE), HUB)
    news.missed(ChannelError(errors.UNREACHABLE, "no answer"), HUB)
    assert told(actions) == [
        (WARNING, "ws://127.0.0.1:8800: no hub can be reached; trying until it answers"),
        (DEBUG, "ws://127.0.0.1:8800: no answer; trying until it answers"),
    ], "the first reason, once"
    assert news.problem.code == errors.UNREACHABLE, "what keeps it out now"
    news.in_call(HUB, 1, 103.25)
    assert news.problem is None
    news.left(None)
    assert told(actions) == [
        (INFO, "back in lobby at ws://127.0.0.1:8800 after 3.2 s"),
        ("connection-state", "in-call"),
        ("connection-state", "left"),
    ]


def test_before_the_first_seat_nobody_there_is_worth_one_word() -> None:
    actions: list[Action] = []
    news = News(actions)
    news.joining("lobby", 10.0)
    actions.clear()
    for _ in range(3):
        news.missed(ChannelError(errors.UNREACHABLE, "connection refused"), HUB)
    line = "ws://127.0.0.1:8800: connection refused; trying until it answers"
    assert told(actions) == [(WARNING, line), ("error", errors.UNREACHABLE), (DEBUG, line), (DEBUG, line)]


def test_an_error_is_news_again_once_things_were_well() -> None:
    actions: list[Action] = []
    news = News(actions)
    news.joining("lobby", 10.0)
    for _ in range(2):
        news.error(ChannelError(errors.OVERLOADED), "busy")
        news.in_call(HUB, 1, 11.0)
    assert [level for level, text in told(actions) if text == "busy"] == [WARNING, WARNING]


def test_a_change_of_connection_without_an_outage_is_no_news() -> None:
    actions: list[Action] = []
    news = News(actions)
    news.joining("lobby", 10.0)
    news.in_call(HUB, 1, 10.5)
    actions.clear()
    news.in_call(HUB, 1, 60.0)
    assert told(actions) == [(DEBUG, "lobby at ws://127.0.0.1:8800: on a new connection")]


def test_a_move_tells_where_to() -> None:
    actions: list[Action] = []
    news, other = News(actions), address.read("ws://box.local:8800")
    news.joining("lobby", 10.0)
    news.in_call(HUB, 1, 10.5)
    actions.clear()
    news.in_call(other, 2, 60.0)
    news.in_call(HUB, 1, 70.0)
    assert told(actions) == [
        (INFO, "lobby: now at number 2 of the hubs, ws://box.local:8800"),
        (INFO, "lobby: back at the first hub, ws://127.0.0.1:8800"),
    ]


def test_after_a_loss_each_hub_has_one_line_that_says_why_it_lasts() -> None:
    actions: list[Action] = []
    news, other = News(actions), address.read("ws://box.local:8800")
    news.joining("lobby", 10.0)
    for began in (20.0, 40.0):
        news.in_call(HUB, 1, began)
        news.offline("the connection broke", HUB, began + 1)
        actions.clear()
        for hub in (HUB, other) * 3:
            news.missed(ChannelError(errors.UNREACHABLE, "no answer"), hub)
        warned = [action.text for action in actions if isinstance(action, Log) and action.level == WARNING]
        assert warned == [f"{hub}: no answer; trying until it answers" for hub in (HUB, other)]


def test_of_several_hubs_the_one_that_answered_is_the_one_to_know_about() -> None:
    actions: list[Action] = []
    news, other = News(actions), address.read("ws://box.local:8800")
    news.joining("lobby", 10.0)
    actions.clear()
    unknown = ChannelError(errors.UNREACHABLE, str(Miss.DNS))
    stranger, closed = (
        ChannelError(errors.BAD_REQUEST, "not served"),
        ChannelError(errors.UNREACHABLE, str(Miss.REFUSED)),
    )
    for _ in range(2):
        news.refused(stranger, HUB)
        news.missed(unknown, other)
        assert (news.problem, news.problem_hub) == (stranger, str(HUB))
    news.missed(unknown, HUB)
    news.missed(closed, other)
    assert (news.problem, news.problem_hub) == (closed, str(other))
    news.missed(closed, HUB)
    news.missed(unknown, other)
    assert (news.problem, news.problem_hub) == (closed, str(HUB))
    news.missed(ChannelError(errors.NO_NETWORK), HUB)
    assert news.problem is not None and news.problem.code == errors.NO_NETWORK
    levels = [action.level for action in actions if isinstance(action, Log)]
    assert levels == [WARNING, WARNING, DEBUG, DEBUG, *[WARNING] * 3, DEBUG, WARNING], "each once"
    news.left(None)
    assert news.problem is None
    news.left(stranger)
    assert (news.problem, news.problem_hub) == (stranger, None)


def test_a_hub_with_ever_new_excuses_is_heard_for_a_while() -> None:
    actions: list[Action] = []
    news = News(actions)
    news.joining("lobby", 10.0)
    for number in range(1_000):
        news.refused(ChannelError(errors.BAD_REQUEST, f"excuse {number}"), HUB)
    assert sum(isinstance(action, Log) and action.level == WARNING for action in actions) == 100


def test_who_is_kept_out_hears_why_and_not_that_the_connection_is_gone() -> None:
    actions: list[Action] = []
    news = News(actions)
    news.joining("lobby", 99.0)
    news.in_call(HUB, 1, 99.5)
    told(actions)
    banned = ChannelError(errors.BANNED, "for 60 min")
    news.refused(banned, HUB)
    news.offline("for 60 min", HUB, 100.0, kept_out=banned)
    assert told(actions) == [
        (WARNING, "ws://127.0.0.1:8800: for 60 min (1006)"),
        ("error", errors.BANNED),
        ("connection-state", "offline"),
    ]
    assert news.problem == banned
