/*
 * The first process of a container: somebody must reap what other processes leave
 * behind there, and pass signals on.
 */
#ifndef GWBOTD_INIT_H
#define GWBOTD_INIT_H

/**
 * Where this is process 1: forks, and returns in the child alone, which is gwbotd then.
 *
 * The parent passes signals on to it, reaps every orphan, and ends as the child does,
 * or with 128 and the number of the signal that killed it.  For the start, before
 * threads.
 */
void init_if_first(void);

#endif
