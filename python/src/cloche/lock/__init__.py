"""The verb `lock`: cloche.lock lists the exact files of every environment, by hash."""
