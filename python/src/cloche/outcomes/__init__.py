"""What tests came to: read from pytest's reports while it runs, and from JUnit XML of any runner afterwards."""
