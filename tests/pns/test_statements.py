"""What nodes ask the database, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, delete

from app.db import Database, prepare_postgresql
from app.models import NotificationData
from app.pns import pending, registry
from app.pns.pending import Turn
from app.pns.registry import Held, Owner
from app.pns.session import WINDOW, Pulled, Row, Want
from tests.pns.parts import Device, House


@pytest.fixture
def house(any_database: Database) -> Iterator[House]:
    house = House(any_database)
    yield house
    house.close()


def pull(house: House, *wants: Want) -> Turn:
    with house.database.engine.connect() as connection:
        return pending.pull(connection, wants)


def seqs(turn: Turn, device: Device) -> list[int]:
    return [row.seq for row in turn.pulled[device.connection_id].rows]


def test_one_pull_serves_many_connections(house: House) -> None:  # P-8
    ada, ada_too, bob = (house.make_device(name) for name in ("Ada", "Ada", "Bob"))
    house.create(ada.user_id, *"abcde")
    house.create(bob.user_id, "x")
    wants = [Want(one.connection_id, after, 64) for one, after in ((ada, 0), (ada_too, 3))]
    turn = pull(house, *wants, Want(bob.connection_id, 0, 64), Want("nobody", 0, 64))
    assert (seqs(turn, ada), seqs(turn, ada_too), seqs(turn, bob)) == ([1, 2, 3, 4, 5], [4, 5], [1])
    assert turn.pulled["nobody"].rows == ()
    assert sorted(one.data["title"] for one in turn.contents.values()) == [*"abcdex"]


def test_pull_ends_at_the_window(house: House) -> None:  # P-11
    device = house.make_device()
    house.create(device.user_id, *"x" * (WINDOW + 5))
    connection_id = device.connection_id
    first = pull(house, Want(connection_id, 0, WINDOW))
    assert (seqs(first, device)[-1], first.pulled[connection_id].more) == (WINDOW, True)
    narrow = pull(house, Want(connection_id, 10, 3))
    assert (seqs(narrow, device), narrow.pulled[connection_id].more) == ([11, 12, 13], True)
    last = pull(house, Want(connection_id, WINDOW, WINDOW))
    assert (len(seqs(last, device)), last.pulled[connection_id].more) == (5, False)


def lose(house: House, *ids: str) -> None:
    """As a former version of the app does: the notification goes, and its pending rows stay."""
    gone = NotificationData.notification_id.in_(ids)
    house.database.write(lambda session: session.execute(delete(NotificationData).where(gone)))


def test_row_that_stands_for_nothing_is_read_over(house: House) -> None:  # P-11
    device = house.make_device()
    ids = house.create(device.user_id, *"x" * (WINDOW + 1))
    lose(house, *ids[:-1])
    first = pull(house, Want(device.connection_id, 0, WINDOW))
    assert first.pulled[device.connection_id] == Pulled((), more=True, read_to=WINDOW)
    assert [row.notification_id for row in first.lost[device.connection_id]] == ids[:-1]
    second = pull(house, Want(device.connection_id, WINDOW, WINDOW))
    assert (seqs(second, device), second.lost) == ([WINDOW + 1], {})


def test_acknowledged_rows_go(house: House) -> None:  # P-11
    device, other = house.make_device(), house.make_device()
    first, _ = house.create(device.user_id, "tea", "cake")
    mine = [(device.connection_id, [Row(first, 1), Row("unknown", 99)])]
    house.database.write(lambda session: pending.acknowledge(session.connection(), mine))
    assert (house.pending_of(device), house.pending_of(other)) == (1, 2)


def test_plan_made_while_nothing_is_pending_fits_much(postgres_engine: Engine) -> None:  # P-11
    engine = create_engine(postgres_engine.url)
    prepare_postgresql(engine)
    statement = str(pending.ACKNOWLEDGE_ALL)
    statement = statement.replace(":of_connections", "$1").replace(":of_seqs", "$2")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
        connection.exec_driver_sql(f"PREPARE acknowledge (text[], bigint[]) AS {statement}")
        plan = connection.exec_driver_sql("EXPLAIN EXECUTE acknowledge ('{}', '{}')").scalars()
        told = "\n".join(plan)
    engine.dispose()
    assert "Index Scan using pk_pending_notifications" in told
    assert "Seq Scan" not in told


def test_row_goes_by_its_id_alone_too(house: House) -> None:  # P-11
    device, stranger = house.make_device("Ada"), house.make_device("Bob")
    mine = house.create(device.user_id, "tea", "cake")
    others = house.create(stranger.user_id, "tea")  # with the number of my first one

    def acknowledge(notification_id: str) -> int:
        house.database.write(
            lambda s: pending.acknowledge_one(s, device.connection_id, notification_id)
        )
        return house.pending_of(device)

    assert [acknowledge(one) for one in (others[0], "unknown", mine[0], mine[0])] == [2, 2, 1, 1]
    assert house.pending_of(stranger) == 1


def take_over(house: House, device: Device, node_uri: str) -> Held | None:
    (held,) = house.database.write(
        lambda session: registry.take_over(session.connection(), [device.connection_id], node_uri)
    )
    return held


def test_take_over_raises_the_epoch(house: House) -> None:  # P-9
    device, other = house.make_device("Ada"), house.make_device("Bob")
    house.create(device.user_id, "tea", "cake")
    house.create(other.user_id, "not", "for", "Ada")
    house.set_expired(device, 2)
    connection_id, user_id = device.connection_id, device.user_id
    assert take_over(house, device, "a") == Held(connection_id, user_id, 1, 2, 2, 2)
    assert take_over(house, device, "b") == Held(connection_id, user_id, 2, 2, 2, 2)
    assert house.node_uri_of(device) == "b"


def test_many_are_taken_over_at_once(house: House) -> None:  # P-9
    ada, bob, gone = (house.make_device(name) for name in ("Ada", "Bob", "Eve"))
    house.create(bob.user_id, "tea", "cake")
    house.sign_out(gone)
    wanted = [one.connection_id for one in (bob, gone, ada)]
    held = house.database.write(
        lambda session: registry.take_over(session.connection(), wanted, "a")
    )
    assert held == [
        Held(bob.connection_id, bob.user_id, 1, 2, 0, 2),
        None,
        Held(ada.connection_id, ada.user_id, 1, 0, 0, 0),
    ]


def test_release_compares_the_epoch(house: House) -> None:  # P-9
    device = house.make_device()
    for node_uri in "ab":
        take_over(house, device, node_uri)
    former, current = (device.connection_id, 1), (device.connection_id, 2)
    house.database.write(lambda session: registry.release(session.connection(), [former]))
    assert house.node_uri_of(device) == "b"
    house.database.write(lambda session: registry.release(session.connection(), [former, current]))
    assert house.node_uri_of(device) is None


def test_device_that_signed_out_cannot_be_taken_over(house: House) -> None:  # P-2
    device = house.make_device()
    house.sign_out(device)
    assert take_over(house, device, "a") is None


def test_handshakes_of_one_turn_find_each_their_own_device(house: House) -> None:  # P-2, P-13
    ada, bob, gone = (house.make_device(name) for name in ("Ada", "Bob", "Eve"))
    house.sign_out(gone)
    wanted = [bob.session_id, "forged", ada.session_id, gone.session_id, bob.session_id]
    with house.database.engine.connect() as connection:
        found = registry.find(connection, wanted)
    assert [one and one.connection_id for one in found] == [
        *(bob.connection_id, None, ada.connection_id, None, bob.connection_id)
    ]


def test_node_finds_what_waits_for_its_devices_alone(house: House) -> None:  # P-12
    mine, elsewhere, idle = (house.make_device(name) for name in ("Ada", "Ada", "Bob"))
    for device, node_uri in ((mine, "a"), (elsewhere, "b"), (idle, "a")):
        take_over(house, device, node_uri)
    house.create(mine.user_id, "tea", "cake")
    with house.database.read() as session:
        assert pending.newest_waiting(session, "a") == {mine.connection_id: 2}
        ids = [mine.connection_id, elsewhere.connection_id, "nobody"]
        owned_by = {ids[0]: Owner(1, "a"), ids[1]: Owner(1, "b")}
        assert registry.owners(session.connection(), ids) == owned_by


def test_one_row_tells_whether_a_node_still_holds_all_it_knows(house: House) -> None:  # P-9
    devices = ada, bob, eve = [house.make_device(name) for name in ("Ada", "Bob", "Eve")]
    for device in devices:
        take_over(house, device, "a")
    held = {device.connection_id: 1 for device in devices}

    def are_held() -> bool:
        with house.database.read() as session:
            return registry.are_held(session.connection(), held, "a")

    assert are_held()
    take_over(house, ada, "a")  # another socket of hers, on the same node
    assert not are_held()
    held[ada.connection_id] = 2
    assert are_held()
    take_over(house, bob, "b")
    assert not are_held()
    del held[bob.connection_id]
    assert are_held()
    house.sign_out(eve)
    assert not are_held()


def test_expired_count_never_falls_below_what_is_not_told(house: House) -> None:  # P-14
    device = house.make_device()
    house.set_expired(device, 3)
    told = {(device.connection_id, 0): 2}
    for _ in range(2):
        house.database.write(lambda session: registry.subtract_expired(session.connection(), told))
    record = house.record_of(device)
    assert record is not None
    assert record.expired_count == 1
