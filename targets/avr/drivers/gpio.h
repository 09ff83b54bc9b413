// The pins of apps.
#pragma once

/** Takes the ports; every pin is at its safe level. */
void gpio_start(void);
