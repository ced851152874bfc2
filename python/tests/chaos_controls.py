"""A suite for each type of fault: tests that must fail, tests that must survive, and tests that must not be reached."""

SUITE = """
import asyncio, os, queue, socket, sqlite3, subprocess, sys, threading, unittest
from concurrent.futures import Future
import pytest
import sqlalchemy
from cloche.resilience import fallback, retry

again = retry(attempts=100, wait=0.0, longest_wait=0.0, jitter=0.0)

@pytest.fixture(scope="module")
def address():
    with socket.create_server(("127.0.0.1", 0), backlog=300) as server:
        yield server.getsockname()

def resolve(folder, address):
    assert socket.getaddrinfo("localhost", 80)

def connect(folder, address):
    with socket.create_connection(address) as connection:
        connection.sendall(b"x")

def wait_for_process(folder, address):
    assert subprocess.run(["true"], timeout=50).returncode == 0

def wait_for_socket(folder, address):
    socket.create_connection(address, timeout=50).close()

def wait_for_future(folder, address):
    future = Future()
    future.set_result(1)
    assert future.result(timeout=50) == 1

def wait_for_queue(folder, address):
    waiting = queue.Queue()
    waiting.put(1)
    assert waiting.get(timeout=50) == 1

def wait_for_task(folder, address):
    assert asyncio.run(asyncio.wait_for(asyncio.sleep(0, 5), 50)) == 5

def open_file(folder, address):
    with open(os.path.join(folder, "limited"), "w") as file:
        file.write("content")

def start_process(folder, address):
    assert subprocess.run(["true"]).returncode == 0

def start_thread(folder, address):
    thread = threading.Thread(target=len, args=([],))
    thread.start()
    thread.join()

def use_sqlite(folder, address):
    connection = sqlite3.connect(os.path.join(folder, "data.sqlite"))
    try:
        connection.executescript("PRAGMA synchronous = OFF")
        with connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (x)")
            connection.execute("DELETE FROM t")
            connection.execute("INSERT INTO t VALUES (1)")
        assert connection.execute("SELECT x FROM t").fetchall() == [(1,)]
    finally:
        connection.close()

def use_sqlalchemy(folder, address):
    engine = sqlalchemy.create_engine("sqlite:///" + os.path.join(folder, "pool.sqlite"))
    try:
        with engine.begin() as connection:
            assert connection.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
    finally:
        engine.dispose()

def use_files(folder, address):
    path = os.path.join(folder, "file")
    with open(path, "w") as file:
        file.write("content" * 5000)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path, path + "2")
    with open(path + "2") as file:
        assert file.read() == "content" * 5000

def use_descriptors(folder, address):
    descriptor = os.open(os.path.join(folder, "raw"), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        assert os.write(descriptor, b"content") == 7
    finally:
        os.close(descriptor)

OPERATIONS = {
    "network": [resolve, connect],
    "timeout": [wait_for_process, wait_for_socket, wait_for_future, wait_for_queue, wait_for_task],
    "resource": [open_file, start_process, start_thread],
    "database": [use_sqlite, use_sqlalchemy],
    "filesystem": [use_files, use_descriptors],
}
CASES = [pytest.param(each, id=f"{kind}-{each.__name__}") for kind, operations in OPERATIONS.items() for each in operations]

@pytest.mark.parametrize("operation", CASES)
def test_fragile(operation, tmp_path, address):
    for _ in range(30):
        operation(str(tmp_path), address)

@pytest.mark.parametrize("operation", CASES)
def test_resilient(operation, tmp_path, address):
    for _ in range(30):
        again(operation)(str(tmp_path), address)
    assert operation

def test_touches_nothing():
    assert sum(range(1000)) == 499500

@pytest.mark.chaos_safe
@pytest.mark.parametrize("operation", CASES)
def test_safe(operation, tmp_path, address):
    for _ in range(10):
        operation(str(tmp_path), address)
"""
