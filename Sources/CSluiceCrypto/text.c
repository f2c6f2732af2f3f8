/* Bytes as text and back: base64, base64url (RFC 4648) and hexadecimal, strict: what decodes encodes to the same text again, but for the
   letters' case of hexadecimal. Words are explained in include/csluice_keys.h. */
#include "include/csluice_keys.h"

enum { BASE64 = 1, BASE64URL = 2, HEX = 3 };

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char digits[] = "0123456789abcdef";

int64_t cs_encoded_size(uint32_t form, uint64_t n) {
  switch (form) {
    case BASE64: return (int64_t)((n + 2) / 3 * 4);
    case BASE64URL: return (int64_t)((n * 4 + 2) / 3);
    case HEX: return (int64_t)(n * 2);
    default: return -1;
  }
}

int64_t cs_decoded_size(uint32_t form, cs_piece text) {
  uint64_t n = text.size;
  switch (form) {
    case BASE64:
      if (n % 4) return -2;
      if (n == 0) return 0;
      return (int64_t)(n / 4 * 3) - (text.data[n - 1] == '=') - (text.data[n - 1] == '=' && text.data[n - 2] == '=');
    case BASE64URL: return n % 4 == 1 ? -2 : (int64_t)(n * 3 / 4);
    case HEX: return n % 2 ? -2 : (int64_t)(n / 2);
    default: return -1;
  }
}

void cs_encode(uint32_t form, cs_piece in, uint8_t *out) {
  const uint8_t *p = in.data;
  const char *letters = form == BASE64URL ? url : plain;
  uint64_t n = in.size, i = 0;
  if (form == HEX) {
    for (; i < n; i++) { *out++ = (uint8_t)digits[p[i] >> 4]; *out++ = (uint8_t)digits[p[i] & 15]; }
    return;
  }
  for (; i + 3 <= n; i += 3) {
    uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = (uint8_t)letters[v >> shift & 63];
  }
  if (i == n) return;
  uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0);
  *out++ = (uint8_t)letters[v >> 18];
  *out++ = (uint8_t)letters[v >> 12 & 63];
  if (i + 1 < n) *out++ = (uint8_t)letters[v >> 6 & 63];
  else if (form == BASE64) *out++ = '=';
  if (form == BASE64) *out = '=';
}

/* Value of a letter, or above 63. */
static uint32_t value64(uint32_t form, uint8_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == (form == BASE64 ? '+' : '-')) return 62;
  if (c == (form == BASE64 ? '/' : '_')) return 63;
  return 64;
}
static uint32_t value16(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static int decode_hex(cs_piece text, uint8_t *out) {
  for (uint64_t i = 0; i < text.size; i += 2) {
    uint32_t high = value16(text.data[i]), low = value16(text.data[i + 1]);
    if (high > 15 || low > 15) return 0;
    *out++ = (uint8_t)(high << 4 | low);
  }
  return 1;
}

int cs_decode(uint32_t form, cs_piece text, uint8_t *out) {
  int64_t size = cs_decoded_size(form, text);
  if (size < 0) return 0;
  if (form == HEX) return decode_hex(text, out);
  uint64_t n = (uint64_t)cs_encoded_size(BASE64URL, (uint64_t)size); /* letters without padding */
  uint32_t bits = 0;
  int count = 0;
  for (uint64_t i = 0; i < n; i++) {
    uint32_t v = value64(form, text.data[i]);
    if (v > 63) return 0;
    bits = bits << 6 | v;
    count += 6;
    if (count >= 8) {
      count -= 8;
      *out++ = (uint8_t)(bits >> count);
    }
  }
  return (bits & ((1u << count) - 1)) == 0; /* no bits that nobody would read */
}
