"""Gives the names that nobody outside can use short forms, shared wherever they cannot meet.

MicroPython keeps every name of loaded code in a pool that doubles when it is full and is never
given back, wherever the code itself lies: 7 octets a name in a block of 20, 40, 80 ... 1,280.
What decides is how many different names there are, not how long they are. So this is a colouring:

- a parameter that no call names becomes `a`, `b` ... of its own function;
- an attribute or method that a class of ours defines, and that no public module shows, becomes
  one of `aa`, `ab` ...; two of them never share a form when a class has both, where classes that
  inherit from each other count as one. One that is also set from outside of its class, on whatever
  object that may be, shares its form with no other;
- so does a function or variable of a module that begins with an underscore.

Names stay as they are when they name something public in a module, or occur as text in a string,
as the keyword of a call, or in MicroPython's own modules. Lines stay where they are; `names.txt`
beside the image says what a form in a traceback stands for. A program that looks into messages
(usip.sip.message ...) is compiled into the image with the library: firmware/ and `tools.rom
--with PROGRAM`.
"""

import ast
import asyncio
import builtins
import io
import itertools
import keyword
import re
import select
import socket
import string
import struct
import time

from tools import vm_names

# What a program on a board may use: what these modules define without an underscore.
PUBLIC = (
    "usip/__init__",
    "usip/agent",
    "usip/call",
    "usip/config",
    "usip/core",
    "usip/errors",
    "usip/limits",
    "usip/ticks",
    "usip/audio/",
    "usip/sip/registration",
    "usip/sip/session",
    "usip/sip/uac",
    "usip/sip/uas",
)

# Of these modules a program uses what is named in _SHOWN; all else is between us.
PARTLY_PUBLIC = (
    "usip/core",
    "usip/sip/registration",
    "usip/sip/session",
    "usip/sip/uac",
    "usip/sip/uas",
)

# What a program may ask of the objects that it is handed, whichever module they come from, and
# what it may give to the core: a transport, applications, media.
_SHOWN = """
receive receive_message handle_timer deadline next_event subject event_text counters resolver
accounts sessions usages transport limits describe add_account register unregister invite options
message subscribe notify publish refer received malformed refused stray too_large no_memory
aor user registrar auth_user password display_name destination route expires_s registration
state account status reason contact requested_s retry_in_s
id is_incoming application request_uri call_id local_uri remote_uri remote_display by media
info_type info_body info_package info_packages is_reliable asserted_identity called_identity
replaced allowed require ring answer reject
hang_up modify update info transfer redirect
from_uri from_display content_type body session package etag event resource target call accept
terminate unsubscribe remove follow
send local_address locate located methods packages handler create_media add
put_offer receive_offer put_answer receive_answer reject_offer
"""

# Foreign objects' attributes: none of these is ours to rename.
_FOREIGN_TYPES = (
    (str, bytes, bytearray, memoryview, list, dict, tuple, set, int, float, object, type)
    + (BaseException, OSError, io.IOBase, io.BytesIO, io.TextIOWrapper, socket.socket)
    + (asyncio.Task, asyncio.Event, asyncio.Lock, asyncio.AbstractEventLoop)
)
_FOREIGN_MODULES = (builtins, asyncio, io, select, socket, struct, time)
_FOREIGN = """
ADC IN IRQ_FALLING IRQ_RISING I2S MODE_ECB OUT PM_NONE PULL_UP Pin Pull RX TX Timer WDT WLAN
active addressof aes alloc any arm bytearray_at calcsize collect config const cryptolib deinit
digest duty encrypt decrypt feed freq func gc hexlify ifconfig implementation init ioctl ipconfig
ipoll irq isconnected machine mem_alloc mem_free mem_info micropython modify mount native
network off on open poll print_exception ptr8 ptr16 ptr32 qstr_info readinto recvfrom reset
schedule scan sendto shift sleep_ms sleep_us sockaddr status threshold ticks_add ticks_cpu
ticks_diff ticks_ms ticks_us uctypes uint umount unhexlify unregister value vfs viper wait_for_ms
ThreadSafeFlag StreamReader StreamWriter wait write writelines errno argv path modules
"""


def foreign() -> set:
    """Return the names that objects which are not ours have, or may be asked for."""
    names = set(_FOREIGN.split()) | set(keyword.kwlist)
    for source in _FOREIGN_TYPES + _FOREIGN_MODULES:
        names.update(dir(source))
    return names


def _forms(taken: set, used=None):
    """Yield `aa`, `ab` ... `zz`, then three letters, but no word of Python and none *taken*.

    With *used*, all identifiers of the sources, first the VM's own names that are none of them.
    """
    if used is not None:
        yield from (name for name in vm_names.NAMES if name not in used)
    for n in itertools.count(2):
        for letters in itertools.product(string.ascii_lowercase, repeat=n):
            form = "".join(letters)
            if form not in taken and not keyword.iskeyword(form):
                yield form


class _File:
    """One module: its tree, and which names it defines and mentions."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.tree = ast.parse(text)
        self.attributes = set()
        self.defined = set()
        self.globals = set()
        self.imported = set()
        self.classes = []  # (name, names of its bases, what it defines)
        self.set_from_outside = set()
        self.words = set()  # names of variables, parameters and imports
        for node in ast.walk(self.tree):
            self._look(node)
        for node in self.tree.body:
            self._look_at_top(node)

    def _look(self, node) -> None:
        if isinstance(node, ast.Name):
            self.words.add(node.id)
        elif isinstance(node, ast.arg):
            self.words.add(node.arg)
        elif isinstance(node, ast.alias):
            self.words.update((node.name, node.asname))
        elif isinstance(node, ast.Attribute):
            self.attributes.add(node.attr)
            if isinstance(node.ctx, ast.Store) and not _is_self(node.value):
                self.set_from_outside.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            bases = [b.attr if isinstance(b, ast.Attribute) else b.id for b in node.bases]
            defined = _defined_in(node)
            self.classes.append((node.name, bases, defined))
            self.defined |= defined
        elif isinstance(node, ast.ImportFrom):
            self.imported.update(alias.name for alias in node.names)

    def _look_at_top(self, node) -> None:
        if isinstance(node, (ast.Assign, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if not (isinstance(node, ast.Assign) and _is_const(node.value)):
                self.globals.update(n for n in _names_of(node) if re.match("_[^_]", n))


def is_public(module: str) -> bool:
    """Whether programs may use what a module, named by its path, defines."""
    return any(
        module == public or (public[-1] == "/" and module.startswith(public)) for public in PUBLIC
    )


def _is_self(node) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_const(node) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "const"


def _names_of(node) -> list:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Assign) and not _is_const(node.value):
        return [
            name.id
            for target in node.targets
            for name in ast.walk(target)
            if isinstance(name, ast.Name)
        ]
    return []


def _fixed_names(files: list) -> set:
    """Return what must stay: foreign names, words in strings, keywords, public names."""
    fixed = foreign() | set(_SHOWN.split())
    for file in files:
        ignored = {id(node) for node in docstrings(file.tree)}
        for node in ast.walk(file.tree):
            if isinstance(node, ast.keyword) and node.arg:
                fixed.add(node.arg)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in ignored:
                    fixed.update(re.findall(r"[A-Za-z_]\w*", node.value))
    for file in files:
        for node in file.tree.body:  # `module.function` looks like an attribute of an object
            fixed.update(name for name in _names_of(node) if name[0] != "_")
        if is_public(file.name) and file.name not in PARTLY_PUBLIC:
            fixed.update(name for name in file.defined if name[0] != "_")
    return fixed


def docstrings(tree):
    """Yield the docstrings of a module, of its classes and functions."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            yield body[0].value


def _identifiers(files: list) -> set:
    """Return all names in the sources, whatever they name, and the words of their strings."""
    found = set()
    for file in files:
        ignored = {id(node) for node in docstrings(file.tree)}
        found |= file.words - {None}
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.update(node.module.split("."))
            elif hasattr(node, "name") and isinstance(node.name, str):
                found.update(node.name.split("."))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in ignored:
                    found.update(re.findall(r"\w+", node.value))
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                found.update(node.names)
    return found


def _defined_in(cls) -> set:
    """Return the names of the attributes and methods that a class gives its objects."""
    found = set()
    for inner in cls.body:
        found.update(_names_of(inner))
    for node in ast.walk(cls):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if _is_self(node.value):
                found.add(node.attr)
    return found


def _families(files: list) -> dict:
    """Return class name -> name of its family: classes that inherit from each other.

    Classes of the same name count as one: which of them a base is, its name does not say.
    """
    above = {}

    def head(name):
        while above.setdefault(name, name) != name:
            name = above[name]
        return name

    for file in files:
        for name, bases, _ in file.classes:
            for base in bases:
                above[head(base)] = head(name)
    return {name: head(name) for file in files for name, _, _ in file.classes}


def _colour(occurrences: dict, words: set, used: set) -> dict:
    """Return name -> form, from name -> families; the widest-spread names choose first.

    *words* are all that occur in the sources: a form is none of them.
    """
    taken = {}
    forms = {}
    for name in sorted(occurrences, key=lambda n: (-len(occurrences[n]), n)):
        families = occurrences[name]
        for form in _forms(words, used):
            if not taken.setdefault(form, set()) & families:
                taken[form] |= families
                forms[name] = form
                break
    return forms


def shorten(texts: dict, linked=()) -> tuple:
    """Return (name -> text with short names, lines of names.txt) from module name -> text."""
    files = [_File(name, text) for name, text in texts.items()]
    fixed = _fixed_names(files)
    family = _families(files)
    defined = set().union(*[file.defined for file in files]) - fixed
    defined = {name for name in defined if not name.startswith("__")}
    imported = set().union(*[file.imported for file in files])
    occurrences = {}
    for file in files:
        for cls, _, names in file.classes:
            for name in names & defined:
                occurrences.setdefault(name, set()).add(family[cls])
    everywhere = set(family.values())
    for file in files:
        for name in file.set_from_outside & defined:
            occurrences[name] = everywhere
    words = set()
    for text in texts.values():
        words.update(re.findall(r"[a-z]+", text))
    forms = _colour(occurrences, words | fixed, _identifiers(files))
    results = {}
    report = ["%s %s" % (form, name) for name, form in sorted(forms.items())]
    for file in files:
        private = {n for n in file.globals if n not in fixed and n not in imported}
        results[file.name] = _Editor(file, forms, private, fixed, file.name not in linked).run()
    return results, report


class _Editor:
    """Replaces the names of one file in place."""

    def __init__(self, file: _File, forms: dict, private: set, fixed: set, own_names) -> None:
        self.file = file
        self.forms = forms
        self.fixed = fixed
        self.lines = file.text.split("\n")
        self.edits = {}
        # Any form will do that no name of this module has: a module is a namespace of its own.
        names = set(file.words)
        if own_names:
            free = (form for form in _forms(names, names) if form not in names)
        else:
            free = ("_" + form for form in _forms(set()) if "_" + form not in names)
        self.globals = {name: next(free) for name in sorted(private)}
        self.methods = set()  # of the class whose body is being visited: `put_answer = put_offer`

    def run(self) -> str:
        """Return the text with all edits done."""
        self._visit(self.file.tree, {}, False)
        for (line, at), (old, new) in sorted(self.edits.items(), reverse=True):
            octets = self.lines[line - 1].encode()
            assert octets[at : at + len(old)] == old.encode(), (self.file.name, line, old)
            octets = octets[:at] + new.encode() + octets[at + len(old) :]
            self.lines[line - 1] = octets.decode()
        return "\n".join(self.lines)

    def _edit(self, line: int, at: int, old: str, new: str) -> None:
        if old != new:
            self.edits[line, at] = (old, new)

    def _visit(self, node, names: dict, in_class: bool) -> None:
        """Visit a node; *names* are the parameters renamed in the functions around it."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._visit_function(node, names, in_class)
            return
        if isinstance(node, ast.ClassDef):
            self._rename_definition(node, "class", self.globals)
            self.methods = {inner.name for inner in node.body if hasattr(inner, "name")}
        elif isinstance(node, ast.Name):
            new = names.get(node.id)
            if in_class and (isinstance(node.ctx, ast.Store) or node.id in self.methods):
                new = self.forms.get(node.id)
            new = new or self.globals.get(node.id, node.id)
            self._edit(node.lineno, node.col_offset, node.id, new)
        elif isinstance(node, ast.Attribute):
            new = self.forms.get(node.attr, node.attr)
            at = node.end_col_offset - len(node.attr)
            self._edit(node.end_lineno, at, node.attr, new)
        elif isinstance(node, ast.Global):
            self._rename_global(node)
        in_class = isinstance(node, ast.ClassDef) or (in_class and isinstance(node, ast.Assign))
        for child in ast.iter_child_nodes(node):
            self._visit(child, names, in_class)

    def _rename_definition(self, node, word: str, forms: dict) -> None:
        new = forms.get(node.name)
        if new:
            line = self.lines[node.lineno - 1]
            at = line.index(word, node.col_offset) + len(word) + 1
            self._edit(node.lineno, len(line[:at].encode()), node.name, new)

    def _rename_global(self, node) -> None:
        line = self.lines[node.lineno - 1]
        for name in node.names:
            if name in self.globals:
                at = re.search(r"\b%s\b" % name, line).start()
                self._edit(node.lineno, at, name, self.globals[name])

    def _visit_function(self, node, names: dict, in_class: bool) -> None:
        self._rename_definition(node, "def", self.forms if in_class else self.globals)
        names = dict(names)
        names.update(self._parameters(node))
        arguments = node.args
        for default in arguments.defaults + [d for d in arguments.kw_defaults if d]:
            self._visit(default, {}, False)
        for argument in arguments.args:
            new = names.get(argument.arg, argument.arg)
            self._edit(argument.lineno, argument.col_offset, argument.arg, new)
        for decorator in node.decorator_list:
            self._visit(decorator, {}, False)
        for child in node.body:
            self._visit(child, names, False)

    def _parameters(self, node) -> dict:
        """Return the parameters of a function to rename: old name -> letter."""
        if node.args.vararg or node.args.kwarg or node.args.kwonlyargs:
            return {}
        inner = [n for n in ast.walk(node) if n is not node]
        if any(isinstance(n, (ast.FunctionDef, ast.Lambda)) for n in inner):
            return {}
        used = {n.id for n in inner if isinstance(n, ast.Name)}
        used |= {a.arg for a in node.args.args} | set(self.globals.values())
        letters = (x for x in string.ascii_lowercase if x not in used)
        is_shown = is_public(self.file.name) and node.name[0] != "_"
        renamed = {}
        for argument in node.args.args:
            if argument.arg == "self" or is_shown or argument.arg in self.fixed:
                continue
            letter = next(letters, None)
            if letter:
                renamed[argument.arg] = letter
        return renamed
