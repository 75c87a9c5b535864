"""The cryptographic primitives of secure aggregation, from the package `cryptography`; needs the extra [privacy].

Key agreement is X25519 with HKDF-SHA256, masks are the keystream of AES-256 in counter mode, and messages are sealed by
AES-256-GCM.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Self

import numpy as np
from numpy.typing import NDArray

from qml.federated.secure.fixed_point import WORDS

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CTR
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:
    raise ImportError("secure aggregation needs the extra [privacy]: pip install 'qumba[privacy]'") from None

__all__ = ["KEY_BYTES", "KeyPair", "commitment", "context", "mask", "masking_purpose", "random_key", "seal", "unseal"]

KEY_BYTES = 32
NONCE_BYTES = 12


def context(*parts: str | int) -> bytes:
    """Return the parts as bytes that no other parts give."""
    return json.dumps(["qumba secure aggregation", *parts]).encode()


def masking_purpose(round: int, one: str, other: str) -> bytes:
    """Return what the common mask of two clients is derived for, the same for both."""
    return context("masking", round, *sorted((one, other)))


def random_key() -> bytes:
    """Draw a key from the operating system's generator."""
    return secrets.token_bytes(KEY_BYTES)


def commitment(key: bytes) -> bytes:
    """Return a hash by which a random key is recognised, and which does not reveal it."""
    return hashlib.sha256(context("commitment") + key).digest()


class KeyPair:
    """An X25519 key pair."""

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private

    @classmethod
    def generate(cls) -> Self:
        """Draw a new key pair."""
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_private(cls, private: bytes) -> Self:
        """Return the key pair of a private key."""
        return cls(X25519PrivateKey.from_private_bytes(private))

    @property
    def private(self) -> bytes:
        """The private key, 32 bytes."""
        return self._private.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def agree(self, public: bytes, purpose: bytes) -> bytes:
        """Return the key that both owners derive for a purpose, 32 bytes.

        Raises
        ------
        ValueError
            If the other's public key is not one.
        """
        try:
            secret = self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise ValueError(f"expected an X25519 public key, got {public.hex()}") from None
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(secret)


def mask(key: bytes, length: int) -> NDArray[np.uint64]:
    """Return pseudo-random integers modulo 2**128, shape (length, 2); a key is used for one mask only."""
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(8 * WORDS * length))
    return np.frombuffer(stream, dtype="<u8").astype(np.uint64, copy=False).reshape(length, WORDS)


def seal(key: bytes, message: bytes, associated: bytes) -> bytes:
    """Encrypt a message, and bind it to associated data."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, message, associated)


def unseal(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Decrypt a message.

    Raises
    ------
    ValueError
        If it was changed, or sealed with another key or other associated data.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
    except (InvalidTag, ValueError):
        raise ValueError("a sealed message was changed, or belongs to another sender, receiver or round") from None
