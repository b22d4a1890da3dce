#include "net/testing/http1_rows.h"

namespace nacelle::net::testing {

namespace {

std::string with_fields(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

}  // namespace

std::vector<HeadRow> head_rows() {
  using std::string_literals::operator""s;
  return {
      // Framing that two parsers could read differently.
      {"content-length and chunked",
       with_fields("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunked and content-length",
       with_fields("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"), 400},
      {"differing content-lengths", with_fields("Content-Length: 4\r\nContent-Length: 5\r\n"), 400},
      {"equal content-lengths", with_fields("Content-Length: 4\r\nContent-Length: 4\r\n"), 400},
      {"content-length list", with_fields("Content-Length: 4, 4\r\n"), 400},
      {"negative content-length", with_fields("Content-Length: -1\r\n"), 400},
      {"signed content-length", with_fields("Content-Length: +4\r\n"), 400},
      {"hexadecimal content-length", with_fields("Content-Length: 0x4\r\n"), 400},
      {"empty content-length", with_fields("Content-Length:\r\n"), 400},
      {"content-length with inner space", with_fields("Content-Length: 1 2\r\n"), 400},
      {"content-length that overflows", with_fields("Content-Length: 18446744073709551617\r\n"),
       400},
      {"content-length with outer space", with_fields("Content-Length:   4 \r\n"),
       HeadRow::kAccepted},
      {"zero-padded content-length", with_fields("Content-Length: 0004\r\n"), HeadRow::kAccepted},
      {"chunked", with_fields("Transfer-Encoding: chunked\r\n"), HeadRow::kAccepted},
      {"chunked in capitals", with_fields("TRANSFER-ENCODING: CHUNKED\r\n"), HeadRow::kAccepted},
      {"gzip then chunked", with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"chunked then gzip", with_fields("Transfer-Encoding: chunked, gzip\r\n"), 501},
      {"chunked twice in a list", with_fields("Transfer-Encoding: chunked, chunked\r\n"), 501},
      {"chunked in two fields",
       with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"identity then chunked fields",
       with_fields("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"unknown coding", with_fields("Transfer-Encoding: xchunked\r\n"), 501},
      {"identity coding", with_fields("Transfer-Encoding: identity\r\n"), 501},
      {"empty coding", with_fields("Transfer-Encoding:\r\n"), 501},
      {"chunked with vertical tab", with_fields("Transfer-Encoding: \vchunked\r\n"), 400},
      {"chunked with quotes", with_fields("Transfer-Encoding: \"chunked\"\r\n"), 501},
      {"chunked with parameter", with_fields("Transfer-Encoding: chunked;q=1\r\n"), 501},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"space before the colon", with_fields("Transfer-Encoding : chunked\r\n"), 400},
      {"tab before the colon", with_fields("Content-Length\t: 4\r\n"), 400},
      {"folded header", with_fields("Transfer-Encoding:\r\n chunked\r\n"), 400},
      {"folded first header", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      // Bytes outside the grammar.
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
      {"bare LF between headers", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
      {"bare CR in a value", with_fields("A: b\rc\r\n"), 400},
      {"bare CR in a name", with_fields("A\rb: c\r\n"), 400},
      {"two CR before LF", with_fields("A: b\r\r\n"), 400},
      {"NUL in a value", with_fields("A: b\0c\r\n"s), 400},
      {"NUL in a name", with_fields("A\0b: c\r\n"s), 400},
      {"control byte in a value", with_fields("A: b\x01\r\n"), 400},
      {"DEL in a value", with_fields("A: b\x7f\r\n"), 400},
      {"tab in a value", with_fields("A: b\tc\r\n"), HeadRow::kAccepted},
      {"latin-1 in a value", with_fields("A: caf\xe9\r\n"), HeadRow::kAccepted},
      {"latin-1 in a name", with_fields("caf\xe9: a\r\n"), 400},
      {"space in a name", with_fields("A B: c\r\n"), 400},
      {"empty name", with_fields(": c\r\n"), 400},
      {"no colon", with_fields("Abc\r\n"), 400},
      {"parenthesis in a name", with_fields("A(b): c\r\n"), 400},
      // Host.
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"two equal hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"host with user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
      {"host with space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", HeadRow::kAccepted},
      {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", HeadRow::kAccepted},
      {"HTTP/1.0 without host", "GET / HTTP/1.0\r\n\r\n", HeadRow::kAccepted},
      // Request line.
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
      {"lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
      {"long version", "GET / HTTP/1.11\r\nHost: x\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"trailing space", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
      {"tab as separator", "GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"NUL in the target", "GET /a\0 HTTP/1.1\r\nHost: x\r\n\r\n"s, 400},
      {"UTF-8 in the target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"fragment in the target", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"relative target", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"method with bad character", "G=T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", HeadRow::kAccepted},
      {"endless method", std::string(40, 'A') + " / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
      {"leading space", " GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"leading empty line", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", HeadRow::kAccepted},
      {"many leading empty lines", "\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
       400},
      {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},
      {"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 403},
      {"asterisk for options", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", HeadRow::kAccepted},
      {"asterisk for get", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"absolute form", "GET http://y:1/p?q HTTP/1.1\r\nHost: x\r\n\r\n", HeadRow::kAccepted},
      {"absolute form of another scheme", "GET ftp://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"absolute form without host", "GET http:///p HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"absolute form with user", "GET http://u@y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      // Expectations and limits.
      {"expect continue", with_fields("Content-Length: 4\r\nExpect: 100-continue\r\n"),
       HeadRow::kAccepted},
      {"unknown expectation", with_fields("Expect: 200-ok\r\n"), 417},
      {"target beyond the limit",
       "GET /" + std::string(20000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
      {"target beyond the limit, unfinished", "GET /" + std::string(20000, 'a'), 414},
      {"header block beyond the limit", with_fields("A: " + std::string(70000, 'a') + "\r\n"), 431},
      {"header block beyond the limit, unfinished",
       "GET / HTTP/1.1\r\nA: " + std::string(70000, 'a'), 431},
      {"too many fields",
       [] {
         std::string fields;
         for (int i = 0; i < 101; ++i) fields += "A: b\r\n";
         return with_fields(fields);
       }(),
       431},
  };
}

std::vector<ChunkedRow> chunked_rows() {
  return {
      {"two chunks", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", ChunkedRow::kDone, "abcde"},
      {"empty body", "0\r\n\r\n", ChunkedRow::kDone, ""},
      {"several zeros", "000\r\n\r\n", ChunkedRow::kDone, ""},
      {"hex in both cases", "0A\r\n0123456789\r\n0a\r\n0123456789\r\n0\r\n\r\n", ChunkedRow::kDone,
       "01234567890123456789"},
      {"extension", "3;a=b;c=\"d\"\r\nabc\r\n0;x\r\n\r\n", ChunkedRow::kDone, "abc"},
      {"trailers", "0\r\nA: b\r\nC: d\r\n\r\n", ChunkedRow::kDone, ""},
      {"unfinished", "3\r\nab", ChunkedRow::kMore, "ab"},
      {"no last chunk", "3\r\nabc\r\n", ChunkedRow::kMore, "abc"},
      {"size with sign", "+3\r\nabc\r\n0\r\n\r\n", ChunkedRow::kError, ""},
      {"negative size", "-3\r\n", ChunkedRow::kError, ""},
      {"size with 0x", "0x3\r\nabc\r\n", ChunkedRow::kError, ""},
      {"empty size", "\r\nabc", ChunkedRow::kError, ""},
      {"size with leading space", " 3\r\nabc\r\n", ChunkedRow::kError, ""},
      {"size with trailing space", "3 \r\nabc\r\n", ChunkedRow::kError, ""},
      {"bare LF after the size", "3\nabc\r\n0\r\n\r\n", ChunkedRow::kError, ""},
      {"bare CR after the size", "3\rabc", ChunkedRow::kError, ""},
      {"data longer than its size", "3\r\nabcd\r\n0\r\n\r\n", ChunkedRow::kError, "abc"},
      {"bare LF after data", "3\r\nabc\n0\r\n\r\n", ChunkedRow::kError, "abc"},
      {"bare LF at the end", "0\r\n\n", ChunkedRow::kError, ""},
      {"size that overflows 64 bits", "10000000000000003\r\nabc", ChunkedRow::kError, ""},
      {"size of 16 digits", "0000000000000003\r\nabc", ChunkedRow::kError, ""},
      {"bare LF in an extension", "3;a\nabc\r\n", ChunkedRow::kError, ""},
      {"long extension", "3;" + std::string(300, 'a') + "\r\nabc", ChunkedRow::kError, ""},
      {"control byte in a trailer", "0\r\nA: \x01\r\n\r\n", ChunkedRow::kError, ""},
      {"endless trailer", "0\r\nA: " + std::string(9000, 'a'), ChunkedRow::kError, ""},
  };
}

}  // namespace nacelle::net::testing
