/*
 * How the process stays small: where its memory comes from, and what it gives back.
 */
#ifndef GWBOTD_MEMORY_H
#define GWBOTD_MEMORY_H

/** First of all, for the start. */
void memory_begin(void);

/** The parts are made; from here on the loop runs. */
void memory_run(void);

/** Gives back what lies free between what is used: some 100 us. */
void memory_trim(void);

#endif
