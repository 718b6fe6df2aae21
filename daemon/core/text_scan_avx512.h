/* text_scan for x86-64 processors with AVX-512BW: only for text_scan.c, which asks. */
#ifndef GWBOTD_TEXT_SCAN_AVX512_H
#define GWBOTD_TEXT_SCAN_AVX512_H

#include <stddef.h>

size_t text_scan_avx512_utf8(const unsigned char *data, size_t size);
size_t text_scan_avx512_payload(const unsigned char *data, size_t size);

#endif
