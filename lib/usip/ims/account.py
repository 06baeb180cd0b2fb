"""An account of an IMS network: its identities, its P-CSCFs, and what its messages carry.

To the core it is an Account with a profile, which makes the core ask

    put_fields(w, method, is_initial)      what a request needs in this network
    take_identities(subject, message)      who the network says that the peer is
    begin_call(session)                    the preconditions of a call
    is_peer(destination)                   whether that is the network's door

Nothing of this folder is imported for accounts of any other kind.
"""

from micropython import const

import usip
from usip.ims.credentials import Credentials
from usip.ims.identities import ImplicitSet
from usip.ims.registration import IMSRegistration
from usip.ims.watch import ReginfoSink
from usip.sip.registration import Account

_M_REGISTER = const(6)
_H_P_ASSERTED_IDENTITY = const(40)
_H_P_CALLED_PARTY_ID = const(42)

EXPIRES_S = 600000  # TS 24.229 5.1.1.2.1


class IMSAccount(Account):
    """A user equipment's registration with the identity *aor*.

    *open_card* returns an ISIM (ims.isim) when it is needed; None: there is none. *domain* is the
    home network, *cscfs* the (host, port)s of P-CSCFs, port 0 for the usual one, reached by
    *protocol*. *further* are public identities to be registered too, *preferred* is the one to be
    known by, b"" for the default one. *preconditions*: 0 none, 1 our resources are there from the
    start, 2 once the call is agreed.
    """

    def __init__(
        self,
        aor: bytes,
        impi: bytes,
        domain: bytes,
        cscfs: list,
        profile,
        open_card=None,
        protocol: str = "udp",
        password: bytes = b"",
        display_name: bytes = b"",
        expires_s: int = EXPIRES_S,
        further: tuple = (),
        preferred: bytes = b"",
        instance: bytes = b"",
        preconditions: int = 1,
        service_centre: bytes = b"",
    ) -> None:
        super().__init__(aor, b"sip:" + domain, impi, password, display_name, None, b"", expires_s)
        self.domain = domain
        self.cscfs = cscfs
        self.protocol = protocol
        self.profile = profile
        self._open_card = open_card
        self.further = further
        self.preferred = preferred
        self.instance = instance
        self.preconditions = preconditions
        self.service_centre = service_centre
        self.contact_parameters = profile.service_parameter
        self.identities = ImplicitSet()
        self.messages = None  # ims.messages.ShortMessages, with the first one
        self._core = None
        self._cscf = 0
        self.siblings = []  # accounts of the further identities, once registered
        profile.prefer(aor)

    def __repr__(self) -> str:
        return "<IMSAccount %s>" % self.aor.decode()

    def attach(self, core) -> None:
        """Be served by *core*, which knows of preconditions from now on."""
        self._core = core
        self.authentication = Credentials(
            self.auth_user, self._open_card, self.domain, self.password, core.random
        )
        if self.preconditions and b"precondition" not in core.supported:
            core.supported += (b"precondition",)
        if core.body_sink is None:
            core.body_sink = ReginfoSink(core)
        IMSRegistration(core, self)
        self.use([])

    # -- who we are

    @property
    def default_identity(self) -> bytes:
        """The first of the implicit set; what we registered as before there is one."""
        uris = self.identities.uris
        return uris[0] if uris else self.aor

    @property
    def identity(self) -> bytes:
        """The URI that requests come from: the one preferred where it is ours, or the default."""
        at = self.identities.find(self.preferred)
        return self.identities.uris[at] if at >= 0 else self.default_identity

    def use_identities(self) -> None:
        """Be known by the identity that is right after the set has changed."""
        self.profile.prefer(self.identity)

    def copy(self, aor: bytes):
        """Return the account of another identity of the same device."""
        return IMSAccount(
            aor,
            self.auth_user,
            self.domain,
            self.cscfs,
            self.profile.copy(),
            self._open_card,
            self.protocol,
            self.password,
            self.display_name,
            self.expires_s,
            (),
            b"",
            self.instance,
            self.preconditions,
            self.service_centre,
        )

    def target(self, text: bytes) -> bytes:
        """Return the URI to call for what a user dials (RFC 3966 5): a URI, or a number.

        A number of a private plan gets the home network as its phone-context.
        """
        from usip.ims import numbers

        try:
            return numbers.target(text, self.domain)
        finally:
            usip.unload("usip.ims.numbers")

    # -- where we are

    def locate(self, core, user):
        """Return the destination of the P-CSCF in use; None, or False while that is not known."""
        destination = core.locate(self._cscf_uri(), None, user)
        if destination:
            self.destination = destination
        return destination

    def use_next_cscf(self) -> None:
        """Turn to the next P-CSCF of the list."""
        self._cscf = (self._cscf + 1) % len(self.cscfs)
        self.use([])

    def _cscf_uri(self) -> bytes:
        host, port = self.cscfs[self._cscf]
        uri = b"sip:" + host.encode()
        if port:
            uri += b":%d" % port
        return uri if self.protocol == "udp" else uri + b";transport=" + self.protocol.encode()

    def use(self, routes: list) -> None:
        """Send what begins something new by the P-CSCF and these *routes* (RFC 3608 5)."""
        self.route = b", ".join([b"<" + self._cscf_uri() + b";lr>"] + routes)
        self.use_identities()

    def leave(self) -> None:
        """We are not registered: nothing of what the last 200 brought holds."""
        self.identities.clear()
        self.use([])

    def is_peer(self, destination) -> bool:
        """Whether *destination* is the P-CSCF in use."""
        own = self.destination
        return bool(own and destination) and own[1] == destination[1]

    # -- what the core asks

    def put_fields(self, w, method: int, is_initial: bool) -> None:
        """Append the fields of a request."""
        self.profile.put_fields(w, method, is_initial)
        if method == _M_REGISTER:
            w.put(b"Supported: path\r\n")

    def take_identities(self, subject, message) -> None:
        """Note who the network says that the peer is and who was called; of it alone."""
        if not self.is_peer(self._core.source):
            return
        uri = self._first_uri(message, _H_P_ASSERTED_IDENTITY)
        subject.asserted_identity = uri or subject.asserted_identity
        subject.called_identity = subject.called_identity or self._first_uri(
            message, _H_P_CALLED_PARTY_ID
        )

    def _first_uri(self, message, header_id: int) -> bytes:
        values = self._core.values
        view = self._core.name_addr
        values.begin(message, header_id)
        if values.next() and view.parse(message.buf, values.start, values.end):
            return message.text(view.uri_start, view.uri_end)
        return b""

    def begin_call(self, session):
        """Give a call its preconditions; return what drives them."""
        from usip.ims.calls import CallControl

        session.extension = CallControl(session)
        return session.extension

    def prepare_media(self, negotiator, media) -> None:
        """Make a Negotiator say what this network wants to hear.

        *media* is the media of the session; its `preconditions` outlive the Negotiator.
        """
        from usip.ims import calls

        calls.prepare_media(negotiator, media, self.preconditions)

    def receive_short_message(self, transaction, message, now_ms: int) -> bool:
        """Take a MESSAGE that carries an SMS; False for any other."""
        from usip.ims import messages

        return messages.receive(self, self._core, transaction, message, now_ms)
