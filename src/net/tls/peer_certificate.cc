#include "net/tls/peer_certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>

#include <cstring>

namespace nacelle::net {

namespace {

std::string name_text(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  // RFC 2253 escapes control bytes, so the text is safe for a header or a log line.
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

// A name with bytes that no name has (a NUL that would cut it short elsewhere) is left out.
std::string printable(const ASN1_STRING* value) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(value));
  std::string text(data, static_cast<std::size_t>(ASN1_STRING_length(value)));
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) return {};
  }
  return text;
}

std::string ip_text(const ASN1_OCTET_STRING* value) {
  const int size = ASN1_STRING_length(value);
  if (size == 4) {
    boost::asio::ip::address_v4::bytes_type bytes;
    std::memcpy(bytes.data(), ASN1_STRING_get0_data(value), bytes.size());
    return boost::asio::ip::address_v4(bytes).to_string();
  }
  if (size == 16) {
    boost::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), ASN1_STRING_get0_data(value), bytes.size());
    return boost::asio::ip::address_v6(bytes).to_string();
  }
  return {};
}

void read_alternative_names(const X509* certificate, PeerCertificate& out) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  const auto add = [](std::vector<std::string>& list, std::string text) {
    if (!text.empty()) list.push_back(std::move(text));
  };
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) add(out.dns_names, printable(name->d.dNSName));
    if (name->type == GEN_URI) add(out.uris, printable(name->d.uniformResourceIdentifier));
    if (name->type == GEN_EMAIL) add(out.emails, printable(name->d.rfc822Name));
    if (name->type == GEN_IPADD) add(out.ip_addresses, ip_text(name->d.iPAddress));
  }
  GENERAL_NAMES_free(names);
}

std::string fingerprint(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace

PeerCertificate describe(const X509* certificate) {
  PeerCertificate out;
  out.subject = name_text(X509_get_subject_name(certificate));
  out.issuer = name_text(X509_get_issuer_name(certificate));
  read_alternative_names(certificate, out);
  out.sha256 = fingerprint(certificate);
  ERR_clear_error();
  return out;
}

std::vector<std::string> dns_names_of(const X509* certificate) {
  PeerCertificate names;
  read_alternative_names(certificate, names);
  if (!names.dns_names.empty()) return std::move(names.dns_names);
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  std::string name = printable(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (name.empty()) return {};
  return {std::move(name)};
}

}  // namespace nacelle::net
