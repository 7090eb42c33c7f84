"""What runs in the page: in a world of its own, where the page's scripts neither see it nor change its ``fetch``."""

from typing import Final

PIECE_BYTES: Final = 64 * 1024
"""The most bytes of a body in one message."""
_CREDIT_BYTES: Final = 4 * PIECE_BYTES  # the page stops reading while so many bytes are not acknowledged
_COLLECT_MS: Final = 4

_SCRIPT: Final = """
(say, PIECE, CREDIT, COLLECT_MS) => {
  const running = new Map();

  const encode = (bytes) => {
    if (bytes.toBase64) return bytes.toBase64();
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192)
      text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192));
    return btoa(text);
  };
  const decode = (text) => Uint8Array.fromBase64
    ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

  class Stream {
    constructor(id) {
      Object.assign(this, {id, parts: [], size: 0, timer: 0, open: 0, began: false, resume: null});
      this.control = new AbortController();
    }

    async add(bytes) {
      for (let at = 0; at < bytes.length; at += PIECE) {
        const part = bytes.subarray(at, at + PIECE);
        if (this.size + part.length > PIECE) this.flush();
        this.parts.push(part);
        this.size += part.length;
        // The first bytes go at once; later ones wait for a moment for more.
        if (!this.began || this.size === PIECE) this.flush();
        else if (!this.timer) this.timer = setTimeout(() => this.flush(), COLLECT_MS);
        this.began = true;
        while (this.open >= CREDIT) await new Promise((resolve) => { this.resume = resolve; });
      }
    }

    flush() {
      clearTimeout(this.timer);
      this.timer = 0;
      if (!this.size) return;
      const bytes = new Uint8Array(this.size);
      let at = 0;
      for (const part of this.parts) { bytes.set(part, at); at += part.length; }
      this.parts = [];
      this.size = 0;
      this.open += bytes.length;
      say(`${this.id} data ${encode(bytes)}`);
    }

    free(count) {
      this.open -= count;
      if (this.resume && this.open < CREDIT) { this.resume(); this.resume = null; }
    }

    async run({url, method, headers, body, credentials, referrer}) {
      const response = await fetch(`${url}#${this.id}`, {
        method, headers, credentials, referrer, body: body === null ? undefined : decode(body),
        redirect: 'manual', cache: 'no-store', signal: this.control.signal,
      });
      const {status, statusText: reason, type} = response;
      say(`${this.id} head ${JSON.stringify({status, reason, type})}`);
      if (!response.body) return;
      const reader = response.body.getReader();
      for (;;) {
        const {done, value} = await reader.read();
        if (done) return;
        await this.add(value);
      }
    }
  }

  return {
    async start(id, request) {
      const stream = new Stream(id);
      running.set(id, stream);
      let end = 'end';
      try { await stream.run(request); } catch (error) { end = `fail ${error.name}`; }
      running.delete(id);
      stream.flush();
      say(`${id} ${end}`);
    },
    free(id, count) { running.get(id)?.free(count); },
    stop(id) {
      const stream = running.get(id);
      if (!stream) return;
      stream.control.abort();
      stream.free(Infinity);
    },
  };
}
"""


def build_expression(binding: str) -> str:
    """Return an expression whose value is what requests are sent with.

    Args:
        binding: the name of the function with which the page tells us something.
    """
    return f"({_SCRIPT})({binding}, {PIECE_BYTES}, {_CREDIT_BYTES}, {_COLLECT_MS})"
