/* gwbot-metrics(7): the rows of metrics.def, and the words of the label state. */
#include "gen.h"

#include <ctype.h>
#include <stdio.h>

#include "metrics.h"
#include "snapshot.h"

void
put_metrics(void)
{
	(void)printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < metrics_count(); i++) {
		const struct metric *metric = metrics_at(i);

		(void)printf(".It Li %s Pq %s%s%s\n", metric->name, metric->type,
		    metric->unit[0] ? ", " : "", metric->unit);
		put_text(metric->help);
		if (metric->labels[0]) {
			(void)printf("Labels:\n.Li %s .\n", metric->labels);
		}
	}
	(void)printf(".El\n");
}

static void
put_word(const char *name)
{
	for (; *name != '\0'; name++) {
		(void)putchar(tolower((unsigned char)*name));
	}
}

void
put_states(void)
{
	static const char *const names[] = {
#define STATE_NAME(name, text) #name,
	    SNAPSHOT_STATE_TABLE(STATE_NAME)
#undef STATE_NAME
	};

	(void)printf(".Cm ");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		(void)printf("%s", i > 0 ? " , " : "");
		put_word(names[i]);
	}
	(void)printf(" .\n");
}
