#include "net/tls/make_certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>

#include "net/tls/openssl.h"

namespace nacelle::net {

namespace {

Status failed(std::string_view doing) {
  return internal("cannot {}: {}", doing, take_openssl_error());
}

Status set_name(X509_NAME* name, const std::string& common_name) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(common_name.data());
  if (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, bytes,
                                 static_cast<int>(common_name.size()), -1, 0) == 1) {
    return {};
  }
  ERR_clear_error();
  return invalid_argument("'{}' cannot be a certificate's common name", common_name);
}

Status add_extension(X509* certificate, const X509V3_CTX& context, int nid,
                     const std::string& value) {
  X509V3_CTX copy = context;
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &copy, nid, value.c_str());
  if (extension == nullptr) {
    ERR_clear_error();
    return invalid_argument("a certificate cannot hold '{}'", value);
  }
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added ? Status() : failed("add an extension");
}

// "DNS:a,IP:10.0.0.1,URI:spiffe://x/y". A comma would start another entry.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (name.empty() || name.find_first_of(", \n\r") != std::string::npos) {
      return invalid_argument("a certificate cannot be for the name '{}'", name);
    }
    boost::system::error_code not_an_address;
    (void)boost::asio::ip::make_address(name, not_an_address);
    if (!out.empty()) out += ',';
    if (!not_an_address) {
      out += "IP:" + name;
    } else if (name.find("://") != std::string::npos) {
      out += "URI:" + name;
    } else {
      out += "DNS:" + name;
    }
  }
  return out;
}

Status add_extensions(X509* certificate, X509* issuer, const CertificateSpec& spec) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  RETURN_IF_ERROR(add_extension(certificate, context, NID_basic_constraints,
                                spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE"));
  RETURN_IF_ERROR(
      add_extension(certificate, context, NID_key_usage,
                    spec.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature"));
  RETURN_IF_ERROR(add_extension(certificate, context, NID_subject_key_identifier, "hash"));
  if (!spec.authority) {
    RETURN_IF_ERROR(
        add_extension(certificate, context, NID_ext_key_usage, "serverAuth,clientAuth"));
  }
  ASSIGN_OR_RETURN(const std::string names, alternative_names(spec.names));
  if (!names.empty()) {
    RETURN_IF_ERROR(add_extension(certificate, context, NID_subject_alt_name, names));
  }
  return {};
}

Status fill(X509* certificate, EVP_PKEY* key, const CertificateSpec& spec) {
  X509_set_version(certificate, X509_VERSION_3);
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) != 1) {
    return failed("make a serial number");
  }
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), spec.valid_from.count());
  const auto ends = spec.valid_until.count();
  X509_time_adj_ex(X509_getm_notAfter(certificate), static_cast<int>(ends / 86400), ends % 86400,
                   nullptr);
  if (X509_set_pubkey(certificate, key) != 1) return failed("set the public key");
  return set_name(X509_get_subject_name(certificate), spec.common_name);
}

template <class Write>
Result<std::string> to_pem(Write write) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!write(bio.get())) return failed("write PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

Result<CertifiedKey> make_certificate(const CertificateSpec& spec, const CertifiedKey* issuer) {
  ERR_clear_error();
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  if (key == nullptr || certificate == nullptr) return failed("make a key");
  RETURN_IF_ERROR(fill(certificate.get(), key.get(), spec));

  X509Ptr issuer_certificate;
  KeyPtr issuer_key;
  if (issuer != nullptr) {
    ASSIGN_OR_RETURN(issuer_certificate, parse_leaf({issuer->chain_pem, "the issuer"}));
    ASSIGN_OR_RETURN(issuer_key, parse_key({issuer->key_pem, "the issuer's key"}));
  }
  X509* signer = issuer != nullptr ? issuer_certificate.get() : certificate.get();
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) != 1) {
    return failed("set the issuer");
  }
  RETURN_IF_ERROR(add_extensions(certificate.get(), signer, spec));
  EVP_PKEY* signing_key = issuer != nullptr ? issuer_key.get() : key.get();
  if (X509_sign(certificate.get(), signing_key, EVP_sha256()) == 0) return failed("sign");

  CertifiedKey out;
  X509* raw = certificate.get();
  EVP_PKEY* raw_key = key.get();
  ASSIGN_OR_RETURN(out.chain_pem, to_pem([raw](BIO* bio) { return PEM_write_bio_X509(bio, raw); }));
  ASSIGN_OR_RETURN(out.key_pem, to_pem([raw_key](BIO* bio) {
                     return PEM_write_bio_PKCS8PrivateKey(bio, raw_key, nullptr, nullptr, 0,
                                                          nullptr, nullptr);
                   }));
  const bool root = issuer != nullptr &&
                    X509_NAME_cmp(X509_get_subject_name(signer), X509_get_issuer_name(signer)) == 0;
  if (issuer != nullptr && !root) out.chain_pem += issuer->chain_pem;
  return out;
}

Result<CertifiedKey> self_signed(const std::vector<std::string>& names, int days) {
  if (names.empty() || days < 1) {
    return invalid_argument("a certificate needs a name and at least one day, got {} and {}",
                            names.size(), days);
  }
  CertificateSpec spec;
  // A common name has at most 64 bytes; who verifies looks at the alternative names.
  spec.common_name = names.front().substr(0, 64);
  spec.names = names;
  spec.valid_until = std::chrono::hours(24 * static_cast<std::int64_t>(days));
  return make_certificate(spec);
}

}  // namespace nacelle::net
