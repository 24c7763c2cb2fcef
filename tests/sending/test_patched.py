"""The same behaviour in a process that gevent has patched, as the serving commands are."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
#: Those in which threads wait for each other or for a socket.
SOME = "soon or waits or slow or hangs or stop or time_limit or alive or huge or many"
PATCHED = """
from gevent import monkey
monkey.patch_all()
import sys, pytest
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *sys.argv[1:]]))
"""


# W-8
def test_sender_and_transport_work_with_gevent() -> None:
    tests = [str(HERE / "test_sender.py"), str(HERE / "test_transport.py"), "-k", SOME]
    command = [sys.executable, "-W", "error", "-c", PATCHED, *tests]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=HERE.parents[1])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
