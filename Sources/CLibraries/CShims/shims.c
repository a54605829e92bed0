#include "cshims.h"

CURLcode nezuko_curl_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
CURLcode nezuko_curl_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
CURLcode nezuko_curl_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
CURLcode nezuko_curl_offset(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
CURLcode nezuko_curl_write_callback(CURL *h, size_t (*f)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, f);
}
CURLcode nezuko_curl_header_callback(CURL *h, size_t (*f)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, f);
}
CURLcode nezuko_curl_close_callback(CURL *h, int (*f)(void *, curl_socket_t), void *user) {
    curl_easy_setopt(h, CURLOPT_CLOSESOCKETDATA, user);
    return curl_easy_setopt(h, CURLOPT_CLOSESOCKETFUNCTION, f);
}
CURLcode nezuko_curl_before_request_callback(CURL *h, int (*f)(void *, char *, char *, int, int), void *user) {
    curl_easy_setopt(h, CURLOPT_PREREQDATA, user);
    return curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, f);
}
CURLcode nezuko_curl_info_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
CURLcode nezuko_curl_info_pointer(CURL *h, CURLINFO i, void **v) { return curl_easy_getinfo(h, i, v); }
CURLcode nezuko_curl_info_offset(CURL *h, CURLINFO i, curl_off_t *v) { return curl_easy_getinfo(h, i, v); }
CURLMcode nezuko_curl_multi_long(CURLM *m, CURLMoption o, long v) { return curl_multi_setopt(m, o, v); }
CURLMcode nezuko_curl_multi_pointer(CURLM *m, CURLMoption o, void *v) { return curl_multi_setopt(m, o, v); }
CURLMcode nezuko_curl_multi_socket_callback(
    CURLM *m, int (*f)(CURL *, curl_socket_t, int, void *, void *), void *user) {
    curl_multi_setopt(m, CURLMOPT_SOCKETDATA, user);
    return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, f);
}
CURLMcode nezuko_curl_multi_timer_callback(CURLM *m, int (*f)(CURLM *, long, void *), void *user) {
    curl_multi_setopt(m, CURLMOPT_TIMERDATA, user);
    return curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, f);
}
CURL *nezuko_curl_message_handle(CURLMsg *message) { return message->easy_handle; }
CURLcode nezuko_curl_message_result(CURLMsg *message) { return message->data.result; }

long nezuko_ssl_ctx_set_mode(SSL_CTX *c, long m) { return SSL_CTX_set_mode(c, m); }
int nezuko_ssl_ctx_min_version(SSL_CTX *c, int v) { return SSL_CTX_set_min_proto_version(c, v); }
int nezuko_ssl_ctx_max_version(SSL_CTX *c, int v) { return SSL_CTX_set_max_proto_version(c, v); }
long nezuko_ssl_ctx_session_cache_mode(SSL_CTX *c, long m) { return SSL_CTX_set_session_cache_mode(c, m); }
int nezuko_ssl_ctx_ticket_keys(SSL_CTX *c, const void *k, long n) {
    return (int)SSL_CTX_set_tlsext_ticket_keys(c, (void *)k, n);
}
int nezuko_ssl_ctx_groups(SSL_CTX *c, const char *l) { return (int)SSL_CTX_set1_groups_list(c, l); }
int nezuko_ssl_ctx_sigalgs(SSL_CTX *c, const char *l) { return (int)SSL_CTX_set1_sigalgs_list(c, l); }
int nezuko_ssl_ctx_add_chain(SSL_CTX *c, X509 *x) { return (int)SSL_CTX_add1_chain_cert(c, x); }
int nezuko_ssl_set_host_name(SSL *s, const char *n) { return (int)SSL_set_tlsext_host_name(s, n); }
