// What the other C files need of the thread pool beyond the public header.
#ifndef VD_THREADS_H
#define VD_THREADS_H

#include "include/CVerdant.h"

/// A function that every new worker runs once, before its first task.
void vd_on_thread_start(void (*setup)(void));

/// Scratch memory of the calling thread, at least `bytes`, kept between calls; slot 0 to 7.
void *vd_scratch(int slot, size_t bytes);

#endif
