"""Sign-in as the engine's SSO does it, and the file that holds the admin's password (hashed)."""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import threading
import time
from pathlib import Path
from typing import Any

from .state import write_atomically

ITERATIONS = 20_000
WRONG = "Cannot authenticate user '{}': The username or password is incorrect.."
NO_PROFILE = "Cannot authenticate user '{}': No valid profile found in credentials.."


def _digest(password: str, salt: str, iterations: int) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), iterations).hex()


def save_user(folder: Path, user: str, password: str) -> None:
    """Write ``sso.json``: who may sign in, the password as PBKDF2-HMAC-SHA256 only."""
    folder.mkdir(parents=True, exist_ok=True)
    salt = os.urandom(16).hex()
    entry = {
        "user": user,
        "salt": salt,
        "iterations": ITERATIONS,
        "hash": _digest(password, salt, ITERATIONS),
    }
    write_atomically(folder / "sso.json", json.dumps(entry))


class Sessions:
    """Tokens: valid until they were idle for ``lifetime`` seconds. A restart forgets them all."""

    def __init__(self, folder: Path, lifetime: float) -> None:
        self._path = folder / "sso.json"
        self._lifetime = lifetime
        self._tokens: dict[str, float] = {}
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def sign_in(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The status and JSON that answer a request for a token."""
        if form.get("grant_type") != "password":
            return 400, {"error_code": "unsupported_grant_type", "error": "Unsupported grant type"}
        if "ovirt-app-api" not in form.get("scope", "").split():
            return 400, {"error_code": "invalid_scope", "error": "The requested scope is invalid."}
        user = form.get("username", "")
        refusal = self.refusal(user, form.get("password", ""))
        if refusal:
            return 400, {"error_code": "access_denied", "error": refusal}
        token = secrets.token_urlsafe(64)
        with self._lock:
            self._tokens[token] = time.monotonic()
        expires = int((time.time() + self._lifetime) * 1000)
        return 200, {
            "access_token": token,
            "scope": form["scope"],
            "exp": str(expires),
            "token_type": "bearer",
        }

    def refusal(self, user: str, password: str) -> str | None:
        """Why this user may not sign in, in the engine's words; None if they may."""
        entry = json.loads(self._path.read_text(encoding="utf-8"))
        profile = entry["user"].rpartition("@")[2]
        if user.rpartition("@")[2] != profile:
            return NO_PROFILE.format(user)
        # Basic authentication asks with each request, and the key derivation is slow on purpose.
        known = hashlib.sha256(f"{entry['hash']}\0{user}\0{password}".encode()).hexdigest()
        if known in self._known:
            return None
        digest = _digest(password, entry["salt"], entry["iterations"])
        if user == entry["user"] and hmac.compare_digest(digest, entry["hash"]):
            self._known.add(known)
            return None
        return WRONG.format(user)

    def sign_out(self, token: str) -> None:
        with self._lock:
            self._tokens.pop(token, None)

    def expire_all(self) -> None:
        with self._lock:
            self._tokens.clear()

    def allows(self, authorization: str) -> bool:
        """Whether an Authorization header is good: a live token, or user and password."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            user, _, password = base64.b64decode(value).decode("utf-8", "replace").partition(":")
            return self.refusal(user, password) is None
        now = time.monotonic()
        with self._lock:
            used = self._tokens.get(value)
            if scheme.lower() != "bearer" or used is None:
                return False
            if now - used > self._lifetime:
                del self._tokens[value]
                return False
            self._tokens[value] = now
            return True


def main() -> int:
    """Set the admin's password, read from standard input (without its line end)."""
    parser = argparse.ArgumentParser(prog="engine_simulator.sso", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--user", default="admin@internal")
    arguments = parser.parse_args()
    save_user(arguments.state, arguments.user, sys.stdin.readline().rstrip("\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
