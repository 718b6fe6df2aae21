/* fuzz_text.c with what processors without AVX-512BW run, in a copy of its own. */
#define TEXT_SCAN_WIDEST 16

/* NOLINTBEGIN(bugprone-suspicious-include): see above */
#include "../../daemon/core/text_scan.c"

#include "fuzz_text.c"
/* NOLINTEND(bugprone-suspicious-include) */
