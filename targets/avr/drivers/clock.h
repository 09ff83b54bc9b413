// The millisecond clock on timer 1.
#pragma once

/** Starts the clock at 0. */
void clock_start(void);
