"""Starts, watches and stops the demo hospital: `./demo`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tools import setup
from tools.demo import faces, running
from tools.demo.environment import Place, environment, place_of
from tools.demo.hospital_clock import set_clock
from tools.demo.options import Options, PortTaken, choose_ports, read
from tools.demo.processes import health, processes
from tools.demo.supervisor import Supervisor
from tools.system_packages import PANGO, install_missing

HEALTHY_WITHIN_SECONDS = 90
COMES_UP_WITHIN_SECONDS = 300  # with all its packages to be fetched
MOST_EARLY_DEATHS = 3
NOT_YET_UP = {"database", "invariants", "jobs", "hl7", "outbox", "logins", "payments", "wechat"}


class CannotStart(Exception):
    """The demo did not come up; the text says why and what to do."""


def main(arguments: list[str]) -> int:
    """The exit code: 0 stopped as asked or visit played, 1 something failed."""
    options = read(arguments)
    say = _voice(sys.stderr if options.as_json else sys.stdout)
    try:
        with running.holding(options.data):
            return _start_and_run(options, say)
    except running.AlreadyRunning:
        return _beside_a_running_one(options, say)
    except (CannotStart, setup.SetupFailed, PortTaken) as failed:
        sys.stderr.write(f"✗ {failed}\n")
        return 1
    except KeyboardInterrupt:
        say("Stopped before anything was started.")
        return 130


def _voice(stream: object) -> Callable[[str], None]:
    return lambda text: print(text, file=stream, flush=True)  # type: ignore[call-overload]


def _beside_a_running_one(options: Options, say: Callable[[str], None]) -> int:
    if options.play and _comes_up(options, say):
        say("Playing on the demo that is running.")
        return _play(options)
    if options.play:
        sys.stderr.write(f"✗ the demo on {options.data} does not come up; see where it was started\n")
        return 1
    sys.stderr.write(f"✗ a demo runs on {options.data} already: {faces.read_endpoints(options.data).get('base_url')}\n")
    return 1


def _comes_up(options: Options, say: Callable[[str], None]) -> bool:
    """Waits for a demo that somebody has just started; False when it takes too long."""
    give_up_at = time.monotonic() + COMES_UP_WITHIN_SECONDS
    if not faces.read_endpoints(options.data):
        say("The demo is still starting; the visit is played when it is up.")
    while not faces.read_endpoints(options.data):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.2)
    return True


def _start_and_run(options: Options, say: Callable[[str], None]) -> int:
    began = time.monotonic()
    if orphans := running.stop_orphans(options.data):
        say(f"Stopped what an earlier demo had left running: {', '.join(orphans)}.")
    place, env = _prepare(options, say)
    supervisor = Supervisor(processes(place, env), lambda: faces.write_pids(place, supervisor.pids()))
    supervisor.listen_for_signals()
    try:
        supervisor.start()
        faces.write_pids(place, supervisor.pids())
        _wait_until_healthy(supervisor, place)
        if supervisor.is_stopping:
            return 0
        faces.write_endpoints(place, supervisor.pids())
        say(f"[6/6] running after {time.monotonic() - began:.0f} s (Ctrl-C stops everything; data: {place.data})")
        if options.play:
            return _play(options)
        say(faces.announcement(place, lan=options.lan))
        supervisor.run()
        return 0
    finally:
        supervisor.stop()
        faces.forget(place.data)
        say("Stopped.")


def _prepare(options: Options, say: Callable[[str], None]) -> tuple[Place, dict[str, str]]:
    """Steps 1 to 5: everything is there, the database stands, nothing runs yet."""
    say(f"[1/6] Python {setup.demand_python()} ok")
    _packages(options, say)
    place = place_of(options, choose_ports(options.port))
    if options.reset:
        _empty(options, say)
    env = environment(place)
    shown, was_moved = set_clock(place.clock_file, datetime.now(UTC))
    if was_moved:
        say(f"      the hospital would be asleep: its clock was moved to {shown:%A %Y-%m-%d %H:%M} (Asia/Shanghai)")
    _run(env, [str(setup.python()), "-m", "sandbox.keys", str(place.data / "sandbox")], "make the sandbox's keys")
    say(f"[3/6] doctor: {_doctor(env)}")
    if options.reset and options.database:
        _run(env, _flask("db", "downgrade", "base"), "empty the database")
    _run(env, _flask("db", "upgrade"), "bring the database to the newest form")
    say("[4/6] migrations → head")
    if shutil.which("espeak-ng"):
        (place.data / "voice").mkdir(exist_ok=True)
        env["MENZHEN_VOICE_FOLDER"] = str(place.data / "voice")
        _run(env, _flask("voice", "render", env["MENZHEN_VOICE_FOLDER"]), "make the voice of the boards")
    say(f"[5/6] seed: {_run(env, _flask('seed'), 'seed the demo hospital')}")
    return place, env


def _packages(options: Options, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    installed = setup.install("demo", lambda text: say(f"      {text}"))
    if options.with_pdf:
        install_missing([PANGO], lambda text: say(f"      {text}"))
    took = f"{installed} installed ({time.monotonic() - began:.0f} s)" if installed else "as locked"
    say(f"[2/6] packages {took}")


def _empty(options: Options, say: Callable[[str], None]) -> None:
    for kept in options.data.iterdir():
        if kept.name == "demo.lock":
            continue
        if kept.is_dir():
            shutil.rmtree(kept)
        else:
            kept.unlink()
    say("      --reset: the hospital starts empty")


def _flask(*words: str) -> list[str]:
    return [str(setup.python()), "-m", "flask", "--app", "wsgi", *words]


def _run(env: dict[str, str], command: list[str], purpose: str) -> str:
    """The last line the command printed; CannotStart with its words when it failed."""
    done = subprocess.run(command, env=env, cwd=setup.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"could not {purpose}:\n{(done.stdout + done.stderr)[-3000:]}")
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines else ""


def _doctor(env: dict[str, str]) -> str:
    """What the doctor says of the machine; what is not up yet at this point is left out."""
    done = subprocess.run(
        _flask("doctor", "--json"), env=env, cwd=setup.ROOT, capture_output=True, text=True, check=False
    )
    findings = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not findings:
        raise CannotStart(f"the doctor could not look:\n{done.stderr[-3000:]}")
    signs = {"ok": "✓", "warn": "!", "bad": "✗"}
    shown = []
    for finding in findings:
        if finding["name"] not in NOT_YET_UP:
            fix = f" ({finding['seen']}; fix: {finding['fix']})" if finding["state"] != "ok" else ""
            shown.append(f"{signs[finding['state']]} {finding['name']}{fix}")
    return "  ".join(shown)


def _wait_until_healthy(supervisor: Supervisor, place: Place) -> None:
    """Returns when every process does its work or a stop was asked for; CannotStart with the last words of a log."""
    waiting = health(place)
    give_up_at = time.monotonic() + HEALTHY_WITHIN_SECONDS
    while waiting and not supervisor.is_stopping:
        supervisor.look()
        waiting = {name: is_well for name, is_well in waiting.items() if not is_well()}
        for process in supervisor.processes:
            is_late = process.name in waiting and time.monotonic() > give_up_at
            if process.deaths >= MOST_EARLY_DEATHS or is_late:
                raise CannotStart(f"{process.name} does not come up; the end of {process.log}:\n{process.last_words()}")
        time.sleep(0.2)


def _play(options: Options) -> int:
    command = [str(setup.python()), "-m", "tools.play", str(options.data / "endpoints.json")]
    return subprocess.run([*command, *(["--json"] if options.as_json else [])], cwd=setup.ROOT, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
