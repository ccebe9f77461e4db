"""The embedded AWS starts by itself and stops completely."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

from genesys_firehose_tools.local.aws import EmbeddedAws
from genesys_firehose_tools.local.errors import LocalError


def test_stopping_ends_every_process_and_deletes_every_file(tmp_path: Path) -> None:
    aws = EmbeddedAws.start(tmp_path / "aws")
    assert aws.is_running()
    assert urllib3.request("GET", f"{aws.firehose_url}/_local/streams").json() == {}
    aws.stop()

    assert not aws.is_running()
    assert not aws.directory.exists()
    assert ends(aws.pid)


def test_it_answers_on_the_loopback_interface_alone(tmp_path: Path) -> None:
    aws = EmbeddedAws.start(tmp_path / "aws")
    try:
        listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        assert f"0100007F:{aws.port:04X}" in listening
        assert f"00000000:{aws.port:04X}" not in listening
    finally:
        aws.stop()


def test_two_of_them_have_ports_and_directories_of_their_own_and_one_directory_holds_one(tmp_path: Path) -> None:
    one, two = EmbeddedAws.start(tmp_path / "one"), EmbeddedAws.start(tmp_path / "two")
    try:
        assert one.endpoint_url != two.endpoint_url
        assert one.firehose_url != two.firehose_url
        with pytest.raises(LocalError, match=r"is running in .*/one already"):
            EmbeddedAws.start(tmp_path / "one")
        one.stop()
        assert two.is_running()
    finally:
        one.stop()
        two.stop()


def test_it_ends_with_its_caller_however_that_ends(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from genesys_firehose_tools.local.aws import EmbeddedAws;"
        "print(EmbeddedAws.start(Path(sys.argv[1])).pid, flush=True); time.sleep(60)"
    )
    caller = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    pid = int(caller.stdout.readline())
    caller.send_signal(signal.SIGKILL)
    caller.wait()

    assert ends(pid)


def ends(group: int) -> bool:
    """Tell whether every process of a group is gone, as soon as the system has collected the dead ones."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
