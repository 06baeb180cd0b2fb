"""The phone itself: the same program on CPython and on the MicroPython VM.

`run(options)` is the whole of it; `tools.phone` makes the options, a dict of its command line with
the WAV files ready to play, and gives the VM their JSON in the file sys.argv[1]. Events go to
standard output and commands come from standard input, one JSON object a line each.
"""

import asyncio
import gc
import json
import select
import sys
import time

import usip

_POLL_MS = 20
_SAMPLE_MS = 1000  # between two looks at the heap
_LINE_BYTES = 4096  # the longest command


class Input:
    """Lines of standard input, as far as they have come; never waits."""

    def __init__(self) -> None:
        self.is_open = True
        self._line = bytearray()
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._octet = bytearray(1)

    def lines(self):
        """Return the complete lines that have arrived, a list of bytes."""
        found = []
        while self.is_open and self._is_ready():
            data = self._read()
            if not data:
                self.is_open = False
            for octet in data:
                if octet == 10:
                    found.append(bytes(self._line))
                    self._line = bytearray()
                elif len(self._line) < _LINE_BYTES:
                    self._line.append(octet)
        return found

    def _is_ready(self):
        for _ in self._poll.poll(0):
            return True
        return False

    def _read(self):
        if sys.implementation.name == "cpython":
            import os

            return os.read(0, _LINE_BYTES)
        # One octet: a longer read would wait for all of them.
        return self._octet[: sys.stdin.buffer.readinto(self._octet)]


class Phone:
    """One agent, told what to do by options and by lines."""

    def __init__(self, options: dict) -> None:
        self.options = options
        self.status = 0
        self.agent = None
        self.first = None  # the call of --call
        self.stopping = False
        self._began = time.time()
        self._timers = []  # (due, action, call)
        self._peak = 0
        self._sample_at = 0

    # -- events

    def emit(self, names: str, *values) -> None:
        """Print one event: *names* are its type and its fields, *values* those of the fields.

        One string, since every short one in the source stays in the heap for ever.
        """
        names = names.split()
        fields = {"t": round(time.time() - self._began, 3), "event": names[0]}
        for i in range(len(values)):
            value = values[i]
            fields[names[i + 1]] = usip.text_of(value) if isinstance(value, bytes) else value
        print(json.dumps(fields))
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()

    def observe(self, event, subject, detail) -> None:
        """Print what the agent reports, and go on with what was asked for."""
        if event == usip.INCOMING:
            self.signal_waiting()
            self.emit(
                "incoming call from display_name to offer asserted_identity called_identity",
                subject.id,
                subject.remote_uri,
                subject.remote_display_name,
                subject.local_uri,
                subject.session.has_offer,
                subject.session.asserted_identity or None,
                subject.session.called_identity or None,
            )
        elif event == usip.OPTIONS_ANSWERED:
            self.emit("options status reason", subject.status, subject.reason)
        elif event == usip.NO_MEMORY:
            self.emit("error what where", "no memory", subject)
        elif event > usip.OPTIONS_ANSWERED:
            self.observe_service(event, subject, detail)
        elif event > usip.INCOMING:
            self.observe_registration(event, subject)
        else:
            self.observe_call(event, subject, detail)

    def signal_waiting(self):
        """Let a call that goes on hear that another one came in."""
        for call in self.agent.calls:
            if call.has_media and call.is_answered:
                from usip.audio import mix

                country = self.agent.config["audio"].get("tones", "eu")
                mix.announce_waiting(call, country)
                return

    def observe_registration(self, event, registration):
        """Print what became of a registration."""
        aor = registration.account.aor
        if event == usip.REGISTERED:
            self.emit(
                "registered aor expires contact associated",
                aor,
                registration.expires_s,
                registration.contact,
                [usip.text_of(uri) for uri in getattr(registration, "associated", ())],
            )
        elif event == usip.UNREGISTERED:
            self.emit("unregistered aor", aor)
        else:
            self.emit(
                "registration_failed aor status reason retry_in",
                aor,
                registration.status,
                registration.reason,
                registration.retry_in_s,
            )

    def observe_service(self, event, subject, call):
        """Print what became of a message, a subscription, a publication or a transfer."""
        if event >= usip.TRANSFER_REQUESTED:
            self.emit("transfer call to status", call and call.id, subject.target, subject.status)
        elif event == usip.MESSAGE_RECEIVED:
            names = "message from content_type body asserted_identity called_identity"
            self.emit(
                names,
                subject.from_uri,
                subject.content_type,
                subject.body,
                subject.asserted_identity or None,
                subject.called_identity or None,
            )
        elif event == usip.MESSAGE_SENT:
            self.emit("message_sent status reason", subject.status, subject.reason)
        elif event == usip.NOTIFY_RECEIVED:
            state = _STATES.split()[getattr(subject, "state", 2)]
            names = "notify event_package state content_type body"
            self.emit(names, subject.event, state, subject.content_type, subject.body)
        elif event in (usip.PUBLISHED, usip.PUBLICATION_ENDED):
            names = "published" if event == usip.PUBLISHED else "unpublished"
            names += " event_package expires status reason"
            self.emit(names, subject.event, subject.expires_s, subject.status, subject.reason)
        elif event == usip.SUBSCRIPTION_STARTED:
            self.emit("subscribed event_package expires", subject.event, subject.expires_s)
        elif event in (usip.SUBSCRIBER_ADDED, usip.SUBSCRIBER_REMOVED):
            _more().print_subscriber(self, event, subject)
        elif event == usip.SUBSCRIPTION_ENDED:
            names = "unsubscribed event_package status reason retry_in"
            retry_in_s = subject.retry_in_s
            self.emit(names, subject.event, subject.status, subject.reason, retry_in_s)

    def observe_call(self, event, call, detail):
        """Print what happened in a call."""
        media = call.media
        if event == usip.PROGRESS:
            names = "progress call status reason early_media reliable"
            reliable = bool(call.session.is_reliable)
            self.emit(names, call.id, detail[0], detail[1], call.has_media, reliable)
        elif event == usip.ANSWERED:
            self.emit(
                "answered call codec remote srtp", call.id, media.codec, _remote(media), False
            )
            self.follow_answer(call)
        elif event == usip.MEDIA:
            names = "media call local remote codec direction"
            local = _at(*call.local_address)
            self.emit(names, call.id, local, _remote(media), media.codec, call.direction)
        elif event == usip.DTMF:
            self.emit("dtmf_pressed call digit via", call.id, detail[0], detail[1])
        elif event == usip.STATISTICS:
            if not call.session.by:  # the last ones come with the end
                self.print_statistics(call)
        elif event == usip.DTMF_ENDED:
            self.emit("dtmf call digit via duration_ms", call.id, detail[0], detail[1], detail[2])
        elif event == usip.ENDED:
            self.observe_end(call)
        elif event == usip.INFO:
            self.emit("info call package content_type body", call.id, *detail)
        else:
            self.emit("held call" if event == usip.HELD else "resumed call", call.id)

    def follow_answer(self, call):
        """Begin what is to be done in every call."""
        if self.options["dtmf"]:
            self.after(0.5, "dtmf", call)
        if self.options["hangup_after"] is not None:
            self.after(self.options["hangup_after"], "hangup", call)

    def observe_end(self, call):
        """Print a call's figures and its end."""
        if call.is_answered:
            self.print_statistics(call)
        self.emit(
            "ended call status reason by duration_s",
            call.id,
            call.status,
            call.reason,
            call.ended_by,
            round(call.duration_ms() / 1000, 3),
        )
        if call is self.first:
            self.end_of_first(call)

    def end_of_first(self, call):
        """The call of --call is over: so is the phone, unless it is to run for a given time."""
        if not call.is_answered:
            self.status = 1
            reason = "%d %s" % (call.status, call.reason) if call.status else "given up"
            complain("call to %s failed: %s" % (self.options["call"], reason))
        if self.options["run_for"] is None:
            self.stopping = True

    def print_statistics(self, call):
        """Print media_stats of one call."""
        values = []
        for name in _STATISTICS.split():
            value = getattr(call.stream, name, None)
            values.append(value() if callable(value) else value)
        self.emit("media_stats call " + _STATISTICS, call.id, *values)

    # -- time

    def after(self, delay_s, action: str, call) -> None:
        """Do *action* in *delay_s* seconds."""
        self._timers.append((time.time() + delay_s, action, call))

    def run_timers(self) -> None:
        """Do what is due."""
        now = time.time()
        for timer in tuple(self._timers):
            due, action, call = timer
            if now < due:
                continue
            self._timers.remove(timer)
            if action == "quit":
                self.stopping = True
            elif call.is_ended:
                continue
            elif action == "hangup":
                call.hang_up()
            else:
                call.dtmf(self.options["dtmf"], self.options["dtmf_mode"] or "")

    def sample_memory(self) -> int:
        """Collect, and return the heap in use; the highest so far is kept."""
        if hasattr(gc, "mem_alloc"):
            gc.collect()
            used = gc.mem_alloc()
        else:
            used = _resident_bytes()
        self._peak = max(self._peak, used)
        return used

    # -- commands

    def command(self, line: bytes) -> None:
        """Do what one line says; `error` says why not."""
        if not line.strip():
            return
        where = "stdin"
        try:
            message = json.loads(str(line, "utf-8"))
            where = str(message["do"])
            self.perform(where, message)
        except usip.StateError as e:
            self.emit("error what where", e.args[0] if e.args else "not allowed now", where)
        except KeyError as e:
            self.emit("error what where", "missing: %s" % e.args[0], where)
        except (ValueError, TypeError, AttributeError, OSError, usip.CallFailed) as e:
            self.emit("error what where", str(e) or "wrong value", where)

    def perform(self, action, message):
        """Do one command."""
        agent = self.agent
        if action == "quit":
            self.stopping = True
        elif action in _MORE.split() or any([key in message for key in _MORE_KEYS.split()]):
            _more().perform(self, action, message)
        elif action == "memory":
            self.print_memory()
        elif action == "call":
            self.place(message)
        elif action == "options":
            agent.options(message["to"])
        elif action == "register":
            agent.register()
        elif action == "unregister":
            agent.unregister()
        elif action == "message":
            kind = message.get("content_type", "text/plain")
            agent.message(message["to"], message["body"], kind)
        elif action == "subscribe":
            self.subscribe(message["to"], message["event_package"], message.get("expires", -1))
        elif action == "publish":
            agent.publish(
                message["event_package"],
                message.get("body", ""),
                message.get("content_type", "application/pidf+xml"),
                message.get("expires", 3600),
            )
        elif action == "conference":
            from usip.audio import conference

            conference.join(*[call for call in agent.calls if call.is_answered])
        elif action == "stats":
            for call in [self.call_of(message)] if "call" in message else agent.calls:
                self.print_statistics(call)
        else:
            self.perform_in_call(action, message)

    def subscribe(self, target, package, expires_s):
        """Subscribe; with *expires_s* 0 end such a subscription, or else fetch the state."""
        agent = self.agent
        for usage in tuple(agent.core.usages):
            if expires_s == 0 and getattr(usage, "target", None) == target.encode():
                if not usage.is_notifier and usage.event == package.encode():
                    usage.unsubscribe(agent.now_ms())
                    agent.flush()
                    return
        agent.subscribe(target, package, expires_s)

    def perform_in_call(self, action, message):
        """Do a command about one call."""
        name = _CALL_COMMANDS.get(action)
        if name is None and action not in ("answer", "reject", "dtmf", "transfer"):
            raise ValueError("no such command")
        call = self.call_of(message)
        if name is not None:
            getattr(call, name)()
        elif action == "answer" and message.get("status", 200) < 200:
            call.ring(message["status"])
        elif action == "answer":
            call.accept(self.agent.audio)
        elif action == "transfer":
            other = self.call_of({"call": message["to_call"]}) if "to_call" in message else None
            call.transfer(other or message["to"])
        elif action == "reject":
            call.reject(message.get("status", 486))
        else:
            mode = message.get("mode") or self.options["dtmf_mode"] or ""
            call.dtmf(message["digits"], mode)

    def call_of(self, message):
        """Return the call a command is about: its "call", or the latest."""
        calls = self.agent.calls
        found = calls[-1] if calls else None
        if "call" in message:
            found = self.agent.find_call(message["call"])
        if found is None:
            raise ValueError("no such call")
        return found

    def place(self, message):
        """Place the call that a command describes."""
        account = None
        if "from_account" in message:
            account = self.agent.account(message["from_account"])
            if account is None:
                raise ValueError("no such account")
        headers = message.get("headers") or {}
        pairs = [(name.encode(), _line(headers[name])) for name in headers]
        self.agent.place(message["to"], self.agent.audio, account, pairs)

    def print_memory(self):
        """Print the heap in use, free and at its highest."""
        used = self.sample_memory()
        free = gc.mem_free() if hasattr(gc, "mem_free") else 0
        self.emit("memory mem_alloc mem_free peak", used, free, self._peak)

    # -- life

    async def serve(self, incoming) -> None:
        """Do with an incoming call what --answer says."""
        mode = self.options["answer"]
        delay_s = self.options["answer_after"]
        if mode == "ring" and incoming.auto_answer_s >= 0:
            mode = "auto"
            delay_s = incoming.auto_answer_s
        if mode not in ("auto", "ring"):
            incoming.reject(int(mode))
            return
        if mode == "ring" or delay_s:
            incoming.ring()
        if mode == "auto":
            await usip.sleep_ms(int(1000 * delay_s))
        if mode == "auto" and incoming.allowed("answer"):
            await incoming.answer(self.agent.audio)
        await incoming.ended()

    def start(self) -> None:
        """Say where we are and begin what the options ask for."""
        agent = self.agent
        aors = [account.aor for account in agent.core.accounts]
        aors = [usip.text_of(aor) for aor in aors]
        self.emit(
            "ready addresses accounts",
            [_at(agent.transport.host, agent.transport.port)],
            aors,
        )
        options = self.options
        if options["run_for"] is not None:
            self.after(options["run_for"], "quit", None)
        if options["call"]:
            self.first = agent.place(options["call"], agent.audio)

    async def run(self) -> int:
        """Run until told to end; return the exit status."""
        options = self.options
        config = usip.load_config(options["config"])
        _bind(config, options["bind"])
        if options["codecs"]:
            config["media"]["codecs"] = options["codecs"]
        self.agent = usip.Agent(config, register=not options["no_register"])
        self.agent.audio = _audio(options, config["audio"])
        self.agent.observer = self.observe
        self.agent.application()(self.serve)
        self.agent.application(methods=("MESSAGE", "NOTIFY"))(lambda message: None)
        commands = Input()
        async with self.agent:
            self.start()
            while self.agent.is_running and not self.stopping:
                for line in commands.lines():
                    self.command(line)
                if options["ends_with_input"] and not commands.is_open:
                    self.stopping = True
                self.run_timers()
                self.watch_memory()
                await usip.sleep_ms(_POLL_MS)
        return self.status

    def watch_memory(self):
        """Keep the peak up to date on a machine whose heap is worth watching."""
        if hasattr(gc, "mem_alloc") and time.time() * 1000 - self._sample_at > _SAMPLE_MS:
            self._sample_at = time.time() * 1000
            self.sample_memory()


_CALL_COMMANDS = {"hangup": "hang_up", "hold": "hold", "resume": "resume", "update": "update"}
_STATES = "pending pending active terminated terminated terminated"  # by Subscription.state
# What phone_app_more does, loaded with the first of these commands or keys of a command.
_MORE = "notify serve refer info ring network_changed"
_MORE_KEYS = "in_call method norefersub offerless contact terminate"
_STATISTICS = "sent received lost late jitter_ms concealed_ms remote_loss rtt_ms mos"


def complain(text: str) -> None:
    """Write one sentence to standard error."""
    sys.stderr.write("phone: %s\n" % text)


def _more():
    try:
        from tools import phone_app_more
    except ImportError:  # on the VM it lies beside us
        import phone_app_more
    return phone_app_more


def _at(host, port):
    return ("[%s]:%d" if ":" in host else "%s:%d") % (host, port)


def _remote(media):
    return _at(usip.text_of(media.remote_address), media.remote_port)


def _line(text):
    """Return a header field's value, refused when it would end the line."""
    octets = text.encode()
    if b"\r" in octets or b"\n" in octets:
        raise ValueError("a header field holds a line end")
    return octets


def _bind(config, bind):
    """Let --bind, a host and a port or "", override the configuration."""
    if bind:
        config["network"]["address"] = bind[0]
        if bind[1]:
            config["network"]["sip_port"] = int(bind[1])


def _audio(options, settings):
    """Return the audio of the options or the configuration, None for silence."""
    play = options["play"] or settings["play"]
    record = options["record"] or settings["record"]
    if not (play or record):
        return None
    from usip.audio import files

    return files.make(settings, play, record, options["is_wide"])


def _resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def guarded(main) -> int:
    """Run a coroutine function; return its status, 1 with one sentence when it fails."""
    try:
        return asyncio.run(main())
    except usip.ConfigError as e:
        complain(str(e))
    except usip.CallFailed as e:
        complain(str(e))
    except (OSError, ValueError) as e:
        complain("%s" % e)
    except KeyboardInterrupt:
        return 0
    return 1


def run(options: dict) -> int:
    """Run a phone and return its exit status."""
    return guarded(Phone(options).run)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        given = json.load(file)
    sys.exit(run(given))
