"""Applications of an agent that serve some requests only; imported with the first of them.

What `agent.application` may be told beside methods and packages, all text as str:

    media          kinds of media of a call, one of which must be offered; None: any body
    content_types  media types of a body, of a MESSAGE above all
    events         event packages, of a NOTIFY that nobody subscribed to
    called         whom a request is for: URIs, or user parts of the Request-URI
    features       what the application is (RFC 3840): `+sip.message`, `mobility="fixed"` ...
    account        the account that a request came to: one of `agent.account()`
    create_media   called with the session of a call: returns its media hook (usip.sip.session) or
                   None for 486; the handler is then given the session instead of a Call
"""

from usip.sip.criteria import Criteria


def narrow(application, agent, media, criteria: dict) -> None:
    """Let *application* serve only what the arguments of `agent.application` say."""
    account = criteria.pop("account", None)
    create_media = criteria.pop("create_media", None)
    if create_media is not None:
        application.create_media = create_media
    texts = {name: _octets(criteria[name]) for name in criteria}
    if media is not None:
        texts["media"] = _octets(media)
    application.criteria = Criteria(agent.core, account=account, **texts)
    if application.criteria.content_types:
        application.message_types = application.criteria.content_types


def _octets(values) -> tuple:
    return tuple([value.encode() for value in values])
