// Macros and variadic functions of OpenSSL and libcurl as plain functions; no logic.
#ifndef NEZUKO_CSHIMS_H
#define NEZUKO_CSHIMS_H
#include <curl/curl.h>
#include <openssl/ssl.h>

CURLcode nezuko_curl_long(CURL *handle, CURLoption option, long value);
CURLcode nezuko_curl_pointer(CURL *handle, CURLoption option, void *value);
CURLcode nezuko_curl_string(CURL *handle, CURLoption option, const char *value);
CURLcode nezuko_curl_offset(CURL *handle, CURLoption option, curl_off_t value);
CURLcode nezuko_curl_write_callback(CURL *handle, size_t (*callback)(char *, size_t, size_t, void *));
CURLcode nezuko_curl_header_callback(CURL *handle, size_t (*callback)(char *, size_t, size_t, void *));
CURLcode nezuko_curl_close_callback(CURL *handle, int (*callback)(void *, curl_socket_t), void *user);
CURLcode nezuko_curl_before_request_callback(CURL *handle, int (*callback)(void *, char *, char *, int, int), void *user);
CURLcode nezuko_curl_info_long(CURL *handle, CURLINFO info, long *value);
CURLcode nezuko_curl_info_pointer(CURL *handle, CURLINFO info, void **value);
CURLcode nezuko_curl_info_offset(CURL *handle, CURLINFO info, curl_off_t *value);
CURLMcode nezuko_curl_multi_long(CURLM *multi, CURLMoption option, long value);
CURLMcode nezuko_curl_multi_pointer(CURLM *multi, CURLMoption option, void *value);
CURLMcode nezuko_curl_multi_socket_callback(
    CURLM *multi, int (*callback)(CURL *, curl_socket_t, int, void *, void *), void *user);
CURLMcode nezuko_curl_multi_timer_callback(CURLM *multi, int (*callback)(CURLM *, long, void *), void *user);
CURL *nezuko_curl_message_handle(CURLMsg *message);
CURLcode nezuko_curl_message_result(CURLMsg *message);

long nezuko_ssl_ctx_set_mode(SSL_CTX *context, long mode);
int nezuko_ssl_ctx_min_version(SSL_CTX *context, int version);
int nezuko_ssl_ctx_max_version(SSL_CTX *context, int version);
long nezuko_ssl_ctx_session_cache_mode(SSL_CTX *context, long mode);
int nezuko_ssl_ctx_ticket_keys(SSL_CTX *context, const void *keys, long length);
int nezuko_ssl_ctx_groups(SSL_CTX *context, const char *list);
int nezuko_ssl_ctx_sigalgs(SSL_CTX *context, const char *list);
int nezuko_ssl_ctx_add_chain(SSL_CTX *context, X509 *certificate);
int nezuko_ssl_set_host_name(SSL *ssl, const char *name);
#endif
